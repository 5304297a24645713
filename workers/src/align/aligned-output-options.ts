import type { Options } from 'yargs';
import { COMPRESSIONS } from '../hits/parquet/table-writer.ts';

/** Options about aligned neighbours to write, of all commands that write them. */
export const alignedOutputOptions = {
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
} as const satisfies Record<string, Options>;
