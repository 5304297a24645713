import { defineCommand } from '../app/command.ts';
import { requireWhole } from '../app/option-checks.ts';
import { databaseOption, queriesOption } from '../app/shared-options.ts';
import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { writeTextAtomically } from '../base/files/write-atomically.ts';
import { counted } from '../base/text/counted.ts';
import { Database } from '../database/database.ts';
import { noBuckets } from '../database/database-messages.ts';
import { requireUnchanged, STATES_AT_ONCE } from '../database/table-state.ts';
import { divideQueries, queriesPerTask } from '../search/plan/query-ranges.ts';
import { SEARCH_MODES } from '../search/plan/strategies.ts';
import { openQueries } from '../search/queries/queries.ts';

export const command = defineCommand({
  describe: 'Divides the queries of a search into ranges, one per task, where more tasks finish sooner.',
  options: {
    queries: queriesOption,
    database: databaseOption,
    'queries-per-task': {
      type: 'number',
      describe: 'Largest number of queries in a range. Default: by strategy and database',
    },
    search: { choices: SEARCH_MODES, default: 'auto' as const, describe: 'Strategy of the searches' },
    nprobes: { type: 'number', describe: '--nprobes of the searches' },
    output: { type: 'string', demandOption: true, describe: 'Query ranges to write (JSON)' },
  },
  examples: [
    ['plan-search --queries q.h5 --database /data/proteins --output parts.json', 'Ranges for the tasks of a cluster'],
  ],

  async run(args) {
    const { search, nprobes, queriesPerTask: requested } = args;
    if (requested !== undefined) requireWhole('queries-per-task', requested);
    if (args.queries.length === 0) throw new UsageError('--queries needs at least one shard.');
    const database = await Database.open(args.database);
    const entries = await database.entries();
    if (entries.length === 0) throw new DataError(noBuckets(database.uri));
    await mapConcurrently(entries, STATES_AT_ONCE, (entry) => requireUnchanged(database, entry));
    // Reports a problem with the queries once, before any bucket is searched.
    const queries = await openQueries(args.queries, entries[0]!);
    queries.close();
    const parts = divideQueries(queries.count, requested ?? queriesPerTask({ search, nprobes }, entries));
    const text = `${JSON.stringify({ version: 1, queries: queries.count, parts }, null, 2)}\n`;
    await writeTextAtomically(args.output, text);
    return { rows: queries.count, bytes: text.length, parts: parts.length };
  },

  summary: ({ rows, parts }) => `plan-search: ${counted(rows, 'query')} in ${counted(parts, 'range')}`,
});
