import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defineCommand } from '../app/command.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import { quoteValue } from '../base/text/quote.ts';
import { readText } from '../base/text/read-text.ts';
import { Database } from '../database/database.ts';
import { noBuckets } from '../database/database-messages.ts';
import { parseIdList } from '../ids/id-list.ts';
import { WantedIds } from '../ids/wanted-ids.ts';
import { fetchQueries } from '../search/queries/look-up-queries.ts';

/** Ids that an error names. */
const NAMED = 5;

export const command = defineCommand({
  describe:
    'Makes a query set of ids that are in the database: their vectors are read from its tables. Where two buckets have an ' +
    'id, the later one counts.',
  options: {
    ids: { type: 'string', demandOption: true, describe: 'The ids: one a line, or a .csv with a column "id"' },
    database: { type: 'string', demandOption: true, describe: 'The database: a folder, or s3://bucket/prefix' },
    output: { type: 'string', demandOption: true, describe: 'The query set (HDF5 shard)' },
  },
  examples: [
    ['fetch-queries --ids ids.txt --database /data/proteins --output queries.h5', 'Vectors of ids in the database'],
  ],

  async run(args, context) {
    if (resolve(args.ids) === resolve(args.output))
      throw new UsageError(`--output names the ids themselves: ${args.ids}.`);
    const ids = parseIdList(await readText(args.ids), args.ids);
    const wanted = new WantedIds(ids);
    const database = await Database.open(args.database);
    const entries = await database.entries();
    if (entries.length === 0) throw new DataError(noBuckets(database.uri));
    const total = entries.reduce((sum, { rows }) => sum + rows, 0);
    const bar = context.progress('looking for ids', total, 'ids');
    const found = await writeAtomically(args.output, async (temporary) => {
      const written = await fetchQueries(database, entries, wanted, temporary, bar).finally(() => bar.stop());
      requireAll(wanted, ids.length, args.ids, database.uri);
      return written;
    });
    const { size } = await stat(args.output);
    return { ...found, bytes: size };
  },

  summary: ({ rows, buckets }) =>
    `fetch-queries: ${rows} vectors from ${Object.keys(buckets as Record<string, number>).length} buckets`,
});

function requireAll(wanted: WantedIds, asked: number, path: string, uri: string): void {
  if (wanted.left === 0) return;
  const names = wanted.missing(NAMED).map(quoteValue);
  const more = wanted.left > names.length ? ', ...' : '';
  throw new DataError(
    `${path}: ${wanted.left} of ${asked} ids are not in the database ${uri}: ${names.join(', ')}${more}. Remove them from the list.`,
  );
}
