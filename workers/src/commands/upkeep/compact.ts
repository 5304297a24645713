import { availableParallelism } from 'node:os';
import { defineCommand } from '../../app/command.ts';
import { requireWhole } from '../../app/option-checks.ts';
import { buildWorkOption, databaseOption, threadsOption } from '../../app/shared-options.ts';
import { counted } from '../../base/text/counted.ts';
import { checkBucketName } from '../../database/catalog/bucket-name.ts';
import { INDEX_KINDS } from '../../index/index-plan.ts';
import { rebuildBuckets } from '../../upkeep/rebuild-buckets.ts';
import { withReplacements } from '../../upkeep/replacement.ts';
import { noRowsLeft, replacedBy } from '../../upkeep/upkeep-messages.ts';

export const command = defineCommand({
  describe:
    'Writes tables with deleted rows again, without those rows: as new buckets, which replace the old ones. Frees their disk space, ' +
    'and restores order, partitions and index. Can be run again after a kill.',
  options: {
    database: databaseOption,
    bucket: { type: 'array', string: true, describe: 'Compact these buckets. Default: all that have deleted rows' },
    index: { choices: INDEX_KINDS, describe: 'Kind of the new index. Default: as before' },
    work: buildWorkOption,
    threads: threadsOption,
  },
  examples: [['compact --database /data/proteins', 'Free the space of deleted rows']],

  async run(args, context) {
    const threads = args.threads ?? availableParallelism();
    requireWhole('threads', threads);
    const buckets: Record<string, string> = {};
    let [rows, bytes] = [0, 0];
    await withReplacements(args.database, args.work, async (database, lost) => {
      const chosen = args.bucket
        ? await Promise.all([...new Set(args.bucket)].map((name) => database.requireEntry(checkBucketName(name))))
        : (await database.entries()).filter(({ deletedRows }) => deletedRows);
      for (const entry of chosen) {
        if (entry.rows === 0) {
          context.log(noRowsLeft(entry.bucket));
          continue;
        }
        const made = await rebuildBuckets(database, [entry.bucket], { threads, lost, index: args.index }, context);
        context.log(replacedBy([entry.bucket], made.bucket));
        buckets[entry.bucket] = made.bucket;
        rows += made.rows;
        bytes += made.bytes;
      }
    });
    return { rows, bytes, buckets };
  },

  summary: ({ rows, bytes, buckets }) =>
    `compact: ${counted(Object.keys(buckets).length, 'bucket')}, ${counted(rows, 'vector')}, ${(bytes / 1e6).toFixed(1)} MB`,
});
