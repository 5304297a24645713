import type { Options } from 'yargs';
import { databaseOption, fastaReadingOptions, h5Options, whereOption } from '../../app/shared-options.ts';
import { MOST_NEIGHBOURS } from './ask-settings.ts';
import { FORMATS } from './output/answer-format.ts';

/** The options of `ask`. */
export const ASK_COMMAND_LINE = {
  sequence: {
    type: 'string',
    describe: 'Sequence of a protein; also without the name of the option. - reads standard input',
  },
  input: {
    type: 'array',
    string: true,
    default: [] as string[],
    describe:
      'Queries instead of a sequence: FASTA files, or files of vectors: HDF5, Parquet, .npy with a .txt of ids beside it',
  },
  ...h5Options,
  id: { type: 'string', describe: 'Id of a protein in the database, whose stored vector is the query' },
  database: { ...databaseOption, demandOption: false },
  remote: {
    type: 'string',
    describe: 'Ask the functions on AWS Lambda, by the ARN of their state machine (docs/in-place.md)',
  },
  model: {
    type: 'string',
    describe: 'Model that embeds sequences: kmer, or a folder. Default: kmer, if it is that of the database',
  },
  'allow-nucleotide': fastaReadingOptions['allow-nucleotide'],
  k: { type: 'number', default: 10, describe: `Neighbours per query, at most ${MOST_NEIGHBOURS}` },
  nprobes: {
    type: 'number',
    describe: 'Partitions to probe per query in each bucket. Default: 5% of them, at least 20',
  },
  'refine-factor': {
    type: 'number',
    describe: 'Candidates per neighbour that are rescored. Default: 10. 0 reports the distances of the codes',
  },
  'exclude-self': { type: 'boolean', default: false, describe: "Omit the hit that has the query's own id" },
  'max-distance': { type: 'number', describe: 'Omit hits that are farther than this' },
  where: whereOption,
  'max-evalue': {
    type: 'number',
    describe: 'Omit neighbours with a larger E-value: targets that one would expect so near by chance',
  },
  columns: {
    type: 'string',
    describe:
      'Kept columns to add to the neighbours, with commas between: description,sequence,taxon. Not with --remote',
  },
  buckets: { type: 'string', describe: 'Buckets to ask, with commas between. Default: all' },
  concurrency: {
    type: 'number',
    describe: 'Buckets that are searched at once. Default: 8; with --remote, that of the stack, which is the most',
  },
  timeout: { type: 'number', describe: 'Seconds in which each bucket must answer. Default: 300. Not with --remote' },
  'allow-partial': {
    type: 'boolean',
    default: false,
    describe: 'Answer without the buckets that fail. The output names them, and the exit code is 75',
  },
  format: {
    choices: FORMATS,
    describe:
      'Default: by the name of --output; a table on a terminal, csv elsewhere. fasta: sequences of the neighbours, each id once',
  },
  output: {
    type: 'string',
    describe: 'File to write, or s3://bucket/key: .csv, .csv.gz, .parquet, .jsonl or .fasta. Default: standard output',
  },
  'csv-safe': { type: 'boolean', default: false, describe: "CSV: put ' before ids that spreadsheets would evaluate" },
} as const satisfies Record<string, Options>;
