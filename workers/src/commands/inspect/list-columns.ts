import { defineCommand } from '../../app/command.ts';
import { h5Options } from '../../app/shared-options.ts';
import { UsageError } from '../../base/errors.ts';
import { listColumns } from '../../import/columns-of-files.ts';

export const command = defineCommand({
  describe:
    'Lists the columns of files of vectors that --keep can name, with their types. Reads no vectors. FASTA always has description and sequence.',
  options: {
    input: { type: 'array', string: true, demandOption: true, describe: 'Files of vectors: HDF5, Parquet or .npy' },
    ...h5Options,
    until: { type: 'string', describe: 'Stop once these columns were found: names with commas between' },
  },
  examples: [['list-columns --input vectors/*.h5', 'Which columns can --keep name?']],

  async run({ input, h5Embedding, h5Id, until }) {
    if (input.length === 0) throw new UsageError('--input needs at least one file.');
    const names = until?.split(',').map((name) => name.trim());
    const columns = await listColumns(input, { embedding: h5Embedding, id: h5Id }, names);
    return { rows: columns.length, bytes: 0, columns };
  },

  isAnswer: () => true,
  summary: ({ columns }) =>
    columns.length > 0
      ? columns.map(({ name, type }) => `${name} ${type}`).join('\n')
      : 'list-columns: no columns beside vectors and ids',
});
