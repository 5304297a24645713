import type { Options } from 'yargs';

// Options that several commands have, with the same meaning.

export const databaseOption = {
  type: 'string',
  demandOption: true,
  describe: 'Database: a folder, or s3://bucket/prefix',
} as const satisfies Options;

/** Names of the datasets of an HDF5 file. */
export const h5Options = {
  'h5-embedding': { type: 'string', describe: 'Dataset of vectors in an HDF5 file. Default: what the file has' },
  'h5-id': { type: 'string', describe: 'Dataset of ids in an HDF5 file. Default: what the file has' },
} as const satisfies Record<string, Options>;

export const queriesOption = {
  type: 'array',
  string: true,
  demandOption: true,
  describe: 'Query sets (HDF5 shards)',
} as const satisfies Options;

export const fastaOption = {
  type: 'array',
  string: true,
  demandOption: true,
  describe: 'FASTA files, plain, gzip or zstd; - reads standard input',
} as const satisfies Options;

/** How FASTA is read. */
export const fastaReadingOptions = {
  'allow-nucleotide': {
    type: 'boolean',
    default: false,
    describe: 'Read sequences of A, C, G, T as proteins, instead of refusing them as nucleotides',
  },
  strict: {
    type: 'boolean',
    default: false,
    describe: 'Refuse empty files and records of a stop (*) alone, instead of skipping them',
  },
  keep: {
    type: 'string',
    describe:
      'Columns to keep beside vectors and ids: description (the header after the id), sequence, both with a comma between, or none. ' +
      'Default: both',
  },
  skipped: { type: 'string', describe: 'Table to write (CSV) of what was skipped, if anything was' },
  'allow-empty': {
    type: 'boolean',
    default: false,
    describe: 'Write an output without sequences if the inputs have none, instead of an error',
  },
} as const satisfies Record<string, Options>;

export const threadsOption = {
  type: 'number',
  describe: 'Threads that read, sort, write and encode. Default: one per core',
} as const satisfies Options;

export const buildWorkOption = {
  type: 'string',
  describe:
    'Fast scratch folder (NVMe). Default: the database, if it is a folder; for one on S3, $LANCEFLOW_WORK or the current folder',
} as const satisfies Options;

export const keepOption = {
  type: 'string',
  describe:
    'Columns of the shards to keep beside vectors and ids: names with commas between, all, or none. Default: what embed-sequences wrote',
} as const satisfies Options;

export const whereOption = {
  type: 'string',
  describe: "Find only rows for which this is true, in SQL on the kept columns: length >= 300 AND taxon = 'Bacteria'",
} as const satisfies Options;
