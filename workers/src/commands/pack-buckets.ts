import { defineCommand } from '../app/command.ts';
import { keepOption } from '../app/shared-options.ts';
import { writeTextAtomically } from '../base/files/write-atomically.ts';
import { counted } from '../base/text/counted.ts';
import { Database } from '../database/database.ts';
import { planBuckets } from '../pack/plan-buckets.ts';
import { requireArguments } from '../pack/require-arguments.ts';

export const command = defineCommand({
  describe:
    'Plans which shards go into which bucket, by best fit in decreasing order. With --database, shards whose contents the ' +
    'database already has are skipped, and the new buckets are numbered after its last one.',
  options: {
    input: {
      type: 'array',
      string: true,
      demandOption: true,
      describe: 'Shards (HDF5), or their descriptions by describe-shard',
    },
    name: {
      type: 'array',
      string: true,
      describe:
        'Name of each input in plans and messages, in the order of --input. Default: the name in its description',
    },
    values: { type: 'array', string: true, describe: 'Columns of each input with one value in all rows: JSON objects' },
    keep: keepOption,
    'bucket-size': { type: 'number', default: 200_000_000, describe: 'Largest number of vectors in a bucket' },
    database: { type: 'string', describe: 'Database that the buckets will join: a folder, or s3://bucket/prefix' },
    'check-ids': {
      type: 'boolean',
      default: false,
      describe: 'Refuse ids that the database already has. Reads the ids of all its tables',
    },
    replace: {
      type: 'boolean',
      default: false,
      describe: 'Plan the deletion of rows of earlier versions of the inputs, by delete-replaced',
    },
    output: { type: 'string', demandOption: true, describe: 'Bucket plan to write (JSON)' },
  },
  examples: [['pack-buckets --input shards/*.h5 --bucket-size 1000000 --output plan.json', 'Plan a new database']],

  async run(args, { progress, warn }) {
    requireArguments(args);
    const database = args.database === undefined ? undefined : await Database.open(args.database);
    const { plan, shardCount, warnings } = await planBuckets({ ...args, database }, { progress });
    for (const warning of warnings) warn(`pack-buckets: ${warning}.`);
    const text = `${JSON.stringify(plan, null, 2)}\n`;
    await writeTextAtomically(args.output, text);
    return {
      rows: plan.rows,
      bytes: Buffer.byteLength(text),
      buckets: plan.buckets.length,
      shards: shardCount,
      heldShards: plan.held.length,
      ...(plan.replaced ? { replacedSources: plan.replaced.sources.length } : {}),
      ...plan.quality,
      ...(warnings.length > 0 ? { warnings } : {}),
    };
  },

  summary: ({ rows, buckets, shards, heldShards, lowerBound, fill }) => {
    const heldText = heldShards ? `; already in the database: ${counted(heldShards, 'shard')}` : '';
    if (buckets === 0 || !fill) return `pack-buckets: nothing new in ${counted(shards, 'shard')}${heldText}`;
    const { min, mean } = fill;
    const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
    return (
      `pack-buckets: ${counted(rows, 'vector')} of ${counted(shards, 'shard')} in ${counted(buckets, 'bucket')} (no packing has fewer than ${lowerBound}), ` +
      `filled ${percent(mean)} on average, ${percent(min)} at least${heldText}`
    );
  },
});
