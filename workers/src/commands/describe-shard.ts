import { stat } from 'node:fs/promises';
import { defineCommand } from '../command.ts';
import { writeAtomically } from '../io/files.ts';
import { writeShardDescription } from '../io/shard-description.ts';

export const command = defineCommand({
  describe:
    'Reads a shard once and writes what pack-buckets needs to know of it: its content hash and its ids. So the shards of a ' +
    'large build are read at the same time, on many machines.',
  options: {
    input: { type: 'string', demandOption: true, describe: 'The shard (HDF5)' },
    name: { type: 'string', describe: "What plans and messages call it; default: --input's path" },
    output: { type: 'string', demandOption: true, describe: 'The description' },
  },
  examples: [
    ['describe-shard --input proteins.h5 --output proteins.description', 'Then: pack-buckets --input *.description'],
  ],

  async run({ input, name = input, output }, context) {
    const { rows, contentHash } = await writeAtomically(output, (temporary) =>
      writeShardDescription(input, name, temporary, context),
    );
    const { size: bytes } = await stat(output);
    return { rows, bytes, contentHash };
  },

  summary: ({ rows, contentHash }) => `describe-shard: ${rows} vectors, content ${String(contentHash).slice(0, 12)}...`,
});
