import type { Options } from 'yargs';

/** Options of `plan`: those of the run, and what is known of it instead of files. */
export const PLAN_OPTIONS = {
  input: { type: 'string', describe: 'FASTA files or shards of the run: a file, a folder, a glob, or a samplesheet' },
  'input-files': {
    type: 'string',
    describe: 'Instead of --input: list of files with kind and bytes (JSON), which need not be readable here',
  },
  rows: { type: 'number', describe: 'Instead of --input: number of vectors, or of sequences with --residues' },
  residues: {
    type: 'number',
    describe: 'Instead of --input: residues of the sequences to embed. Default: those of --rows x 350, with --model',
  },
  shards: { type: 'number', describe: 'With --rows: number of shards. Default: one for 1,000,000 rows' },
  dimension: {
    type: 'number',
    describe: 'With --rows: components of a vector. Default: of the model or the database, or 960',
  },
  model: { type: 'string', describe: 'Model that embeds FASTA: kmer, or a folder' },
  database: { type: 'string', describe: 'Database: a folder, or s3://bucket/prefix' },
  queries: { type: 'string', describe: 'Queries of the run, as --input' },
  'query-files': { type: 'string', describe: 'Instead of --queries: list of files, as --input-files' },
  'query-count': { type: 'number', describe: 'Instead of --queries: number of queries, already embedded' },
  k: { type: 'number', default: 10, describe: 'Neighbours per query' },
  search: { choices: ['auto', 'ann', 'scan', 'exact'], default: 'auto' as const, describe: 'Strategy of the searches' },
  nprobes: { type: 'number', describe: 'Partitions to probe per query. Default: 5% of them, at least 20' },
  'refine-factor': { type: 'number', describe: 'ann: candidates per neighbour that are rescored' },
  'target-recall': { type: 'number', describe: 'Recall@k that the searches are to reach' },
  'bucket-size': { type: 'number', default: 200_000_000, describe: 'Largest number of vectors in a bucket' },
  index: { choices: ['ivf-rq', 'ivf-pq'], default: 'ivf-rq' as const, describe: 'Index of the tables' },
  order: { choices: ['partition', 'none'], default: 'partition' as const, describe: 'Order of the rows' },
  'vector-type': {
    choices: ['float32', 'float16'],
    default: 'float32' as const,
    describe: 'Type of the components in tables',
  },
  keep: { type: 'string', describe: 'Columns to keep beside vectors and ids, as of the run; none keeps no text' },
  'part-residues': { type: 'number', default: 50_000_000, describe: 'Residues of a part of a large FASTA file' },
  profile: {
    type: 'string',
    default: 'standard',
    describe: 'Profile of the run: standard, docker, slurm, awsbatch, ...',
  },
  machine: {
    type: 'string',
    describe:
      'Type of the machines that build and search, such as i4i.8xlarge; local: this machine. Default: by profile',
  },
  machines: { type: 'number', describe: 'Machines at once. Default: 1; with awsbatch as many as have 640 vCPUs' },
  goal: { type: 'string', describe: 'Compare bucket sizes for a goal: cheapest, fastest, hours=N or dollars=N' },
  outcome: { type: 'array', string: true, default: [], describe: 'outcome.json of earlier runs, whose rates are used' },
  prices: { type: 'string', describe: 'Table of machine types and prices (JSON), instead of the built-in one' },
  'price-api': { type: 'boolean', default: false, describe: "Ask AWS's price list for the machine's price" },
  output: { type: 'string', describe: 'Document of the plan to write (JSON)' },
} as const satisfies Record<string, Options>;
