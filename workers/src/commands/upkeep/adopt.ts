import { availableParallelism } from 'node:os';
import { defineCommand } from '../../app/command.ts';
import { requireWhole } from '../../app/option-checks.ts';
import { buildWorkOption, databaseOption, threadsOption } from '../../app/shared-options.ts';
import { DataError } from '../../base/errors.ts';
import { counted } from '../../base/text/counted.ts';
import { checkBucketName } from '../../database/catalog/bucket-name.ts';
import { describeChange } from '../../database/table-change.ts';
import { readTableState } from '../../database/table-state.ts';
import { INDEX_KINDS } from '../../index/index-plan.ts';
import { rebuildBuckets } from '../../upkeep/rebuild-buckets.ts';
import { withReplacements } from '../../upkeep/replacement.ts';
import { nothingToAdopt, replacedBy } from '../../upkeep/upkeep-messages.ts';

export const command = defineCommand({
  describe:
    'Takes the rows that another LanceDB client added, deleted or updated in a table into the database: writes the newest version of the ' +
    'table as a new bucket, with order, partitions and index, which replaces the old one. Can be run again after a kill.',
  options: {
    database: databaseOption,
    bucket: { type: 'string', demandOption: true, describe: 'Bucket whose table was changed' },
    index: { choices: INDEX_KINDS, describe: 'Kind of the new index. Default: as before' },
    work: buildWorkOption,
    threads: threadsOption,
  },
  examples: [['adopt --database /data/proteins --bucket bucket_00001', 'Search what Python wrote']],

  async run(args, context) {
    const bucket = checkBucketName(args.bucket);
    const threads = args.threads ?? availableParallelism();
    requireWhole('threads', threads);
    return withReplacements(args.database, args.work, async (database, lost) => {
      const entry = await database.requireEntry(bucket);
      const state = await readTableState(database.tables, entry);
      if (state.kind === 'missing') throw new DataError(describeChange(database.uri, entry, state)!);
      if (state.kind === 'same') {
        context.log(nothingToAdopt(bucket));
        return { rows: entry.rows, bytes: entry.bytes, bucket, replaced: undefined };
      }
      // Its newest version.
      const open = () => database.tables.open(bucket);
      const made = await rebuildBuckets(database, [bucket], { threads, lost, index: args.index, open }, context);
      context.log(replacedBy([bucket], made.bucket));
      return { rows: made.rows, bytes: made.bytes, bucket: made.bucket, replaced: bucket };
    });
  },

  summary: ({ bucket, rows, replaced }) =>
    replaced === undefined
      ? `adopt: ${bucket} has ${counted(rows, 'vector')}, as in the catalog`
      : `adopt: ${bucket} has the ${counted(rows, 'vector')} of ${replaced}`,
});
