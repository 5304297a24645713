import { resolve } from 'node:path';
import { defineCommand } from '../app/command.ts';
import { keepOption } from '../app/shared-options.ts';
import { UsageError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';
import { parseKeep } from '../shard/columns/keep.ts';
import { describeShards } from '../shard/describe-shards.ts';

export const command = defineCommand({
  describe:
    'Reads shards once and writes descriptions, which pack-buckets accepts instead of shards: content hash, row count, ids. This lets ' +
    'many machines read the shards of a large build at the same time.',
  options: {
    input: { type: 'array', string: true, demandOption: true, describe: 'Shards (HDF5)' },
    name: {
      type: 'array',
      string: true,
      describe: 'Names of the shards in plans and messages. Default: the paths of --input',
    },
    output: {
      type: 'array',
      string: true,
      demandOption: true,
      describe: 'Descriptions to write, in the order of --input',
    },
    keep: keepOption,
  },
  examples: [
    [
      'describe-shard --input proteins.h5 --output proteins.description',
      'Describe a shard for pack-buckets --input proteins.description',
    ],
  ],

  async run({ input, name = input, output, keep }, context) {
    if (input.length === 0) throw new UsageError('--input needs at least one shard.');
    for (const [option, values] of Object.entries({ name, output }))
      if (values.length !== input.length)
        throw new UsageError(
          `--${option} has ${counted(values.length, 'value')}, but --input has ${input.length}: pass one for each shard.`,
        );
    const outputs = new Set<string>();
    for (const path of output) {
      if (outputs.has(resolve(path))) throw new UsageError(`--output names ${path} twice.`);
      outputs.add(resolve(path));
    }
    const shards = input.map((path, i) => ({ path, name: name[i]!, output: output[i]! }));
    return describeShards(shards, context, { keep: parseKeep(keep) });
  },

  summary: ({ rows, shards, contentHash }) =>
    `describe-shard: ${counted(rows, 'vector')}` +
    (contentHash === undefined ? ` of ${counted(shards, 'shard')}` : `, content ${contentHash.slice(0, 12)}...`),
});
