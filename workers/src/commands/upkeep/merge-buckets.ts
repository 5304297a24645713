import { availableParallelism } from 'node:os';
import { defineCommand } from '../../app/command.ts';
import { requireWhole } from '../../app/option-checks.ts';
import { buildWorkOption, databaseOption, threadsOption } from '../../app/shared-options.ts';
import { counted } from '../../base/text/counted.ts';
import { INDEX_KINDS } from '../../index/index-plan.ts';
import { groupSmall } from '../../upkeep/group-small.ts';
import { rebuildBuckets } from '../../upkeep/rebuild-buckets.ts';
import { withReplacements } from '../../upkeep/replacement.ts';
import { replacedBy } from '../../upkeep/upkeep-messages.ts';

export const command = defineCommand({
  describe:
    'Merges small buckets into larger ones, which replace them, without embedding again. Searches take a task a bucket, so few large ' +
    'buckets are quicker. Deleted rows are left out. Can be run again after a kill.',
  options: {
    database: databaseOption,
    below: {
      type: 'number',
      describe: 'Merge buckets with fewer rows than this. Default: half of --bucket-size',
    },
    'bucket-size': { type: 'number', default: 200_000_000, describe: 'Largest number of vectors in a merged bucket' },
    index: { choices: INDEX_KINDS, describe: 'Kind of the new index. Default: that of the first bucket' },
    work: buildWorkOption,
    threads: threadsOption,
  },
  examples: [['merge-buckets --database /data/proteins --below 10000000', 'Merge weekly additions']],

  async run(args, context) {
    const threads = args.threads ?? availableParallelism();
    requireWhole('threads', threads);
    requireWhole('bucket-size', args.bucketSize);
    const below = args.below ?? Math.ceil(args.bucketSize / 2);
    requireWhole('below', below);
    const buckets: Record<string, string[]> = {};
    let [rows, bytes] = [0, 0];
    await withReplacements(args.database, args.work, async (database, lost) => {
      for (const group of groupSmall(await database.entries(), below, args.bucketSize)) {
        const made = await rebuildBuckets(database, group, { threads, lost, index: args.index }, context);
        context.log(replacedBy(group, made.bucket));
        buckets[made.bucket] = group;
        rows += made.rows;
        bytes += made.bytes;
      }
    });
    return { rows, bytes, buckets };
  },

  summary: ({ rows, buckets }) => {
    const merged = Object.values(buckets).flat().length;
    const into = Object.keys(buckets).length;
    return merged === 0
      ? 'merge-buckets: no two small buckets'
      : `merge-buckets: ${counted(merged, 'bucket')} merged into ${into}, ${counted(rows, 'vector')}`;
  },
});
