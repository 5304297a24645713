import { defineCommand } from '../../app/command.ts';
import { databaseOption } from '../../app/shared-options.ts';
import { counted } from '../../base/text/counted.ts';
import { checkBucketName } from '../../database/catalog/bucket-name.ts';
import { rebuildGroups, rebuildOptions } from '../../upkeep/rebuild-groups.ts';
import { noRowsLeft } from '../../upkeep/upkeep-messages.ts';

export const command = defineCommand({
  describe:
    'Writes tables with deleted rows again, without those rows: as new buckets, which replace the old ones. Frees their disk space, ' +
    'and restores order, partitions and index. Can be run again after a kill.',
  options: {
    database: databaseOption,
    bucket: { type: 'array', string: true, describe: 'Compact these buckets. Default: all that have deleted rows' },
    ...rebuildOptions,
  },
  examples: [['compact --database /data/proteins', 'Free the space of deleted rows']],

  async run(args, context) {
    const names = args.bucket && [...new Set(args.bucket)].map((name) => checkBucketName(name));
    const { made, ...sums } = await rebuildGroups(
      args,
      async (database) => {
        const chosen = names
          ? await Promise.all(names.map((name) => database.requireEntry(name)))
          : (await database.entries()).filter(({ deletedRows }) => deletedRows);
        for (const { bucket, rows } of chosen) if (rows === 0) context.log(noRowsLeft(bucket));
        return chosen.filter(({ rows }) => rows > 0).map(({ bucket }) => ({ buckets: [bucket] }));
      },
      context,
    );
    return { ...sums, buckets: Object.fromEntries(made.map(({ bucket, replaced }) => [replaced[0]!, bucket])) };
  },

  summary: ({ rows, bytes, buckets }) =>
    `compact: ${counted(Object.keys(buckets).length, 'bucket')}, ${counted(rows, 'vector')}, ${(bytes / 1e6).toFixed(1)} MB`,
});
