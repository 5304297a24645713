import { defineCommand } from '../../app/command.ts';
import { requireWhole } from '../../app/option-checks.ts';
import { databaseOption } from '../../app/shared-options.ts';
import { counted } from '../../base/text/counted.ts';
import { groupSmall } from '../../upkeep/group-small.ts';
import { rebuildGroups, rebuildOptions } from '../../upkeep/rebuild-groups.ts';

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
    ...rebuildOptions,
  },
  examples: [['merge-buckets --database /data/proteins --below 10000000', 'Merge weekly additions']],

  async run(args, context) {
    requireWhole('bucket-size', args.bucketSize);
    const below = args.below ?? Math.ceil(args.bucketSize / 2);
    requireWhole('below', below);
    const { made, ...sums } = await rebuildGroups(
      args,
      async (database) => groupSmall(await database.entries(), below, args.bucketSize).map((buckets) => ({ buckets })),
      context,
    );
    return { ...sums, buckets: Object.fromEntries(made.map(({ bucket, replaced }) => [bucket, replaced])) };
  },

  summary: ({ rows, buckets }) => {
    const merged = Object.values(buckets).flat().length;
    const into = Object.keys(buckets).length;
    return merged === 0
      ? 'merge-buckets: no two small buckets'
      : `merge-buckets: ${counted(merged, 'bucket')} merged into ${into}, ${counted(rows, 'vector')}`;
  },
});
