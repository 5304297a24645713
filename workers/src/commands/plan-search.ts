import { defineCommand } from '../app/command.ts';
import { requireWhole } from '../app/option-checks.ts';
import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { writeTextAtomically } from '../base/files/write-atomically.ts';
import { Database } from '../database/database.ts';
import { noBuckets } from '../database/database-messages.ts';
import { requireUnchanged, STATES_AT_ONCE } from '../database/table-state.ts';
import { SEARCH_MODES } from '../search/plan/choose.ts';
import { divideQueries, queriesPerTask } from '../search/plan/parts.ts';
import { openQueries } from '../search/queries/queries.ts';

export const command = defineCommand({
  describe: 'Divides queries into parts that are searched by tasks of their own, where more tasks finish sooner',
  options: {
    queries: { type: 'array', string: true, demandOption: true, describe: 'Query sets (HDF5 shards)' },
    database: { type: 'string', demandOption: true, describe: 'The database: a folder, or s3://bucket/prefix' },
    'queries-per-task': { type: 'number', describe: 'Most queries of a part; default: by the way of searching' },
    search: { choices: SEARCH_MODES, default: 'auto' as const, describe: 'How the buckets will be searched' },
    nprobes: { type: 'number', describe: 'Partitions that will be looked into' },
    output: { type: 'string', demandOption: true, describe: 'The parts (JSON)' },
  },
  examples: [['plan-search --queries q.h5 --database /data/proteins --output parts.json', 'Parts for a cluster']],

  async run(args) {
    const { search, nprobes, queriesPerTask: asked } = args;
    if (asked !== undefined) requireWhole('queries-per-task', asked);
    if (args.queries.length === 0) throw new UsageError('--queries needs at least one shard.');
    const database = await Database.open(args.database);
    const entries = await database.entries();
    if (entries.length === 0) throw new DataError(noBuckets(database.uri));
    await mapConcurrently(entries, STATES_AT_ONCE, (entry) => requireUnchanged(database, entry));
    // Whatever is wrong with the queries is said once, before any bucket is searched.
    const queries = await openQueries(args.queries, entries[0]!);
    queries.close();
    const parts = divideQueries(queries.count, asked ?? queriesPerTask({ search, nprobes }, entries));
    const text = `${JSON.stringify({ version: 1, queries: queries.count, parts }, null, 2)}\n`;
    await writeTextAtomically(args.output, text);
    return { rows: queries.count, bytes: text.length, parts: parts.length };
  },

  summary: ({ rows, parts }) => `plan-search: ${rows} queries in ${parts} parts`,
});
