import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defineCommand } from '../app/command.ts';
import { databaseOption } from '../app/shared-options.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import { counted } from '../base/text/counted.ts';
import { quoteValue } from '../base/text/quote.ts';
import { readText } from '../base/text/read-text.ts';
import { Database } from '../database/database.ts';
import { noBuckets } from '../database/database-messages.ts';
import { parseIdList } from '../ids/id-list.ts';
import { WantedIds } from '../ids/wanted-ids.ts';
import { fetchQueries } from '../search/queries/look-up-queries.ts';

/** An error names at most this many ids. */
const MAX_NAMED = 5;

export const command = defineCommand({
  describe:
    'Makes a query set from ids in the database, with the vectors that its tables store for them. If two buckets have the same ' +
    'id, the later bucket wins.',
  options: {
    ids: { type: 'string', demandOption: true, describe: 'Ids: one per line, or a .csv with a column "id"' },
    database: databaseOption,
    output: { type: 'string', demandOption: true, describe: 'Query set to write (HDF5 shard)' },
  },
  examples: [
    [
      'fetch-queries --ids ids.txt --database /data/proteins --output queries.h5',
      'Search with proteins of the database',
    ],
  ],

  async run(args, context) {
    if (resolve(args.ids) === resolve(args.output))
      throw new UsageError(`--output names the file with the ids: ${args.ids}.`);
    const ids = parseIdList(await readText(args.ids), args.ids);
    const wanted = new WantedIds(ids);
    const database = await Database.open(args.database);
    const entries = await database.entries();
    if (entries.length === 0) throw new DataError(noBuckets(database.uri));
    const total = entries.reduce((sum, { rows }) => sum + rows, 0);
    const bar = context.progress('finding ids', total, 'ids');
    const found = await writeAtomically(args.output, async (temporary) => {
      const written = await fetchQueries(database, entries, wanted, temporary, bar).finally(() => bar.stop());
      requireAll(wanted, ids.length, args.ids, database.uri);
      return { ...written, bytes: (await stat(temporary)).size };
    });
    return found;
  },

  summary: ({ rows, buckets }) =>
    `fetch-queries: ${counted(rows, 'vector')} from ${counted(Object.keys(buckets).length, 'bucket')}`,
});

function requireAll(wanted: WantedIds, idCount: number, path: string, uri: string): void {
  if (wanted.missingCount === 0) return;
  const names = wanted.missing(MAX_NAMED).map(quoteValue);
  const more = wanted.missingCount > names.length ? ', ...' : '';
  const which = idCount === 1 ? 'its only id is not' : `${wanted.missingCount} of ${idCount} ids are not`;
  throw new DataError(
    `${path}: ${which} in the database ${uri}: ${names.join(', ')}${more}. Remove them from the list.`,
  );
}
