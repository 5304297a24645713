import { joinParts } from '../../align/join-parts.ts';
import { defineCommand } from '../../app/command.ts';
import { UsageError } from '../../base/errors.ts';
import { counted } from '../../base/text/counted.ts';
import { parseKeptColumns } from '../../database/catalog/kept-columns.ts';
import { COMPRESSIONS } from '../../hits/parquet/table-writer.ts';

export const command = defineCommand({
  describe: 'Joins neighbours that align-neighbours aligned in parts, by --range. The files are those of one task.',
  options: {
    input: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'Aligned neighbours (Parquet), in the order of their ranges',
    },
    columns: {
      type: 'string',
      describe: 'Further columns to keep, with commas between, or none. Default: all but "sequence"',
    },
    output: { type: 'string', demandOption: true, describe: 'Neighbours to write (Parquet)' },
    csv: { type: 'string', describe: 'Also write the neighbours as CSV, compressed if the name ends in .gz or .zst' },
    fasta: {
      type: 'string',
      describe: 'Also write the targets as FASTA, each id once, compressed if the name ends in .gz or .zst',
    },
    'csv-safe': {
      type: 'boolean',
      default: false,
      describe: "CSV: put ' before texts that begin with = + - @, which spreadsheets would evaluate",
    },
    compression: { choices: COMPRESSIONS, default: 'zstd', describe: 'Compression of the Parquet file' },
    work: { type: 'string', describe: 'Folder for temporary files. Default: that of --output' },
  },
  examples: [
    ['join-neighbours --input part1.parquet part2.parquet --output aligned.parquet', 'Join what two machines aligned'],
  ],
  async run(args, context) {
    if (args.input.length === 0) throw new UsageError('--input names no file.');
    const columns = args.columns === undefined ? undefined : parseKeptColumns(args.columns);
    return joinParts({ ...args, columns }, context);
  },
  summary: ({ rows, queries }) => `join-neighbours: ${counted(rows, 'neighbour')} of ${counted(queries, 'query')}`,
});
