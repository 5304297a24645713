import { defineCommand } from '../../app/command.ts';
import { databaseOption } from '../../app/shared-options.ts';
import { print, terminalColumns } from '../../app/terminal.ts';
import { counted } from '../../base/text/counted.ts';
import { briefEntry } from '../../database/catalog/catalog-entry.ts';
import { Database } from '../../database/database.ts';
import { bucketLine } from '../../upkeep/overview/bucket-line.ts';

export const command = defineCommand({
  describe:
    'Lists the buckets of a database with their vectors, index and size, and what other LanceDB clients changed; then the database as a ' +
    'whole, the recall that was measured last, and what should be done for it, with the commands. --json prints the catalog entries, and the rest as overview.',
  options: {
    database: databaseOption,
    brief: {
      type: 'boolean',
      default: false,
      describe:
        'With --json, print only what a run needs of each bucket: name, rows, bytes, fingerprint, model, columns',
    },
    'bucket-size': {
      type: 'number',
      default: 200_000_000,
      describe: 'Vectors of a full bucket: less than half of it is a small one, which can be merged',
    },
  },
  examples: [
    ['catalog --database /data/proteins', 'Print a table of the buckets, and what to do'],
    ['catalog --database /data/proteins --json', 'Print the catalog entries'],
  ],

  async run({ database: uri, brief, bucketSize, json }, { warn }) {
    const database = await Database.open(uri);
    if (!brief) {
      const { showOverview } = await import('../../upkeep/overview/show-overview.ts');
      const { lines, ...shown } = await showOverview(database, bucketSize, json, warn);
      return { ...totals(lines), ...shown };
    }
    // The pipeline requests the brief form, which reads the entries alone.
    const entries = await database.entries();
    if (!json) {
      const { bucketTable } = await import('../../upkeep/overview/overview-text.ts');
      print(
        bucketTable(
          entries.map((entry) => bucketLine(entry)),
          terminalColumns(),
        ),
      );
    }
    return { ...totals(entries), entries: entries.map(briefEntry) };
  },

  summary: ({ buckets, rows, bytes }) =>
    `catalog: ${counted(buckets, 'bucket')}, ${counted(rows, 'vector')}, ${(bytes / 1e6).toFixed(1)} MB`,
});

function totals(lines: readonly { rows: number; bytes: number }[]) {
  const [rows, bytes] = (['rows', 'bytes'] as const).map((name) => lines.reduce((sum, line) => sum + line[name], 0));
  return { rows: rows!, bytes: bytes!, buckets: lines.length };
}
