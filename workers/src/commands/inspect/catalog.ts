import { defineCommand } from '../../app/command.ts';
import { databaseOption } from '../../app/shared-options.ts';
import { print, terminalColumns } from '../../app/terminal.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { counted } from '../../base/text/counted.ts';
import { formatTable } from '../../base/text/format-table.ts';
import { briefEntry } from '../../database/catalog/catalog-entry.ts';
import { Database } from '../../database/database.ts';
import { describeState } from '../../database/table-change.ts';
import { readTableState, STATES_AT_ONCE } from '../../database/table-state.ts';

export const command = defineCommand({
  describe:
    'Lists the buckets of a database with their vectors, index and size, and what other LanceDB clients changed. --json prints the ' +
    'catalog entries.',
  options: {
    database: databaseOption,
    brief: {
      type: 'boolean',
      default: false,
      describe: 'With --json, print only name, rows, bytes, fingerprint, model and columns of each bucket',
    },
  },
  examples: [
    ['catalog --database /data/proteins', 'Print a table of the buckets'],
    ['catalog --database /data/proteins --json', 'Print the catalog entries'],
  ],

  async run({ database: uri, brief, json }) {
    const database = await Database.open(uri);
    const entries = await database.entries();
    const sum = (of: (entry: (typeof entries)[number]) => number) =>
      entries.reduce((total, entry) => total + of(entry), 0);
    // Only people need the states of the tables; the pipeline requests the brief form.
    const states = brief
      ? []
      : await mapConcurrently(entries, STATES_AT_ONCE, (entry) => readTableState(database.tables, entry));
    const rows = entries.map(
      ({ bucket, rows, dimension, vectorType, metric, index, partitions, bytes, model, created }, i) => [
        bucket,
        String(rows),
        `${dimension} ${vectorType}`,
        metric,
        index.kind === 'none' ? 'none' : `${index.kind}, ${counted(index.partitions, 'partition')}`,
        partitions ? counted(partitions.count, 'partition') : 'as in the shards',
        `${(bytes / 1e6).toFixed(1)} MB`,
        String(model.model ?? 'unknown'),
        created.slice(0, 19).replace('T', ' '),
        ...(states[i] ? [describeState(states[i])] : []),
      ],
    );
    const header = [
      'bucket',
      'vectors',
      'type',
      'metric',
      'index',
      'order of rows',
      'size',
      'model',
      'built (UTC)',
      ...(brief ? [] : ['other clients']),
    ];
    if (!json) print(formatTable([header, ...rows], terminalColumns()));
    const shown = brief ? entries.map(briefEntry) : entries.map((entry, i) => ({ ...entry, state: states[i]! }));
    return {
      rows: sum((entry) => entry.rows),
      bytes: sum((entry) => entry.bytes),
      buckets: entries.length,
      entries: shown,
    };
  },

  summary: ({ buckets, rows, bytes }) =>
    `catalog: ${counted(buckets, 'bucket')}, ${counted(rows, 'vector')}, ${(bytes / 1e6).toFixed(1)} MB`,
});
