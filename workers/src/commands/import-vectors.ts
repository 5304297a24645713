import { defineCommand } from '../app/command.ts';
import { h5Options, keepOption } from '../app/shared-options.ts';
import { importVectors } from '../import/import-file.ts';
import { parseKeep } from '../shard/columns/keep.ts';

export const command = defineCommand({
  describe:
    'Writes the vectors of another tool as a shard: Parquet with a column of lists and one of ids, .npy with a text file of ids, or HDF5 ' +
    'whose datasets have other names. The kind of a file is recognized by its first bytes.',
  options: {
    input: { type: 'string', demandOption: true, describe: 'File of vectors: Parquet, .npy or HDF5' },
    ids: {
      type: 'string',
      describe: 'Ids of a .npy file: text, one a line, or a .npy array. Default: its name with .txt',
    },
    ...h5Options,
    keep: keepOption,
    output: { type: 'string', demandOption: true, describe: 'Shard to write (HDF5)' },
    description: { type: 'string', describe: "Also write the shard's description to this file, for pack-buckets" },
    name: { type: 'string', describe: 'Name of the shard in plans and messages. Default: the path of --output' },
  },
  examples: [
    ['import-vectors --input vectors.parquet --output vectors.h5', 'Parquet'],
    ['import-vectors --input vectors.npy --ids names.txt --output vectors.h5', 'numpy'],
    ['import-vectors --input x.h5 --h5-embedding mean/pooled --h5-id names --output vectors.h5', 'Named datasets'],
  ],

  run: ({ input, ids, h5Embedding, h5Id, keep, output, description, name = output }, context) => {
    const source = { input, ids, named: { embedding: h5Embedding, id: h5Id }, keep: parseKeep(keep) };
    return importVectors({ ...source, output, description, name }, context);
  },
});
