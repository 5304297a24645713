import { defineCommand } from '../../app/command.ts';
import { databaseOption } from '../../app/shared-options.ts';
import { counted } from '../../base/text/counted.ts';
import { parseColumns } from '../../database/catalog/kept-columns.ts';
import { writeColumns } from '../../fetch/write-columns.ts';
import { COMPRESSIONS } from '../../hits/parquet/table-writer.ts';

export const command = defineCommand({
  describe:
    'Adds columns of the database to neighbours, such as descriptions, and writes the targets as FASTA. Only what the neighbours ' +
    'need is read: the ids of each bucket once, then the values of the targets.',
  options: {
    neighbours: { type: 'string', demandOption: true, describe: 'Neighbours of merge-hits (Parquet)' },
    database: databaseOption,
    columns: { type: 'string', describe: 'Columns to add, with commas between: description,sequence,taxon' },
    output: { type: 'string', demandOption: true, describe: 'Neighbours with these columns to write (Parquet)' },
    csv: { type: 'string', describe: 'Also write them as CSV, compressed if the name ends in .gz or .zst' },
    'csv-safe': {
      type: 'boolean',
      default: false,
      describe:
        "CSV: put ' before ids that begin with = + - @, which spreadsheets would evaluate; columns always get it",
    },
    fasta: {
      type: 'string',
      describe: 'Also write the targets as FASTA, each id once, compressed if the name ends in .gz or .zst',
    },
    compression: { choices: COMPRESSIONS, default: 'zstd', describe: 'Compression of the Parquet file' },
    work: { type: 'string', describe: 'Folder for temporary files. Default: that of --output' },
  },
  examples: [
    [
      'fetch-columns --neighbours near.parquet --database db --columns description --output named.parquet',
      'Add the descriptions of the neighbours',
    ],
    [
      'fetch-columns --neighbours near.parquet --database db --fasta near.fasta --output same.parquet',
      'Write their sequences',
    ],
  ],
  run: ({ columns, ...args }, context) =>
    writeColumns({ ...args, columns: columns === undefined ? [] : parseColumns(columns) }, context),
  summary: ({ rows, columns, fasta }) =>
    `fetch-columns: ${columns.join(', ') || 'no columns'} of ${counted(rows, 'neighbour')}` +
    (fasta ? `, ${counted(fasta.targets, 'sequence')}` : ''),
});
