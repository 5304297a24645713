import type { Command } from '../app/command.ts';

/** Every command: its line in `--help`, and its file, loaded only when it is called. */
export const COMMANDS: Record<string, { describe: string; load(): Promise<{ command: unknown }> }> = {
  'split-sequences': {
    describe: 'Divide a large FASTA file into parts of about equal residues',
    load: () => import('./split-sequences.ts'),
  },
  'embed-sequences': {
    describe: 'Turn protein sequences (FASTA) into a shard of vectors (HDF5)',
    load: () => import('./embed-sequences.ts'),
  },
  'describe-shard': {
    describe: 'Record the content hash and ids of shards, for pack-buckets',
    load: () => import('./describe-shard.ts'),
  },
  'pack-buckets': {
    describe: 'Plan which shards go into which bucket',
    load: () => import('./pack-buckets.ts'),
  },
  'ingest-bucket': {
    describe: "Write one bucket's vectors into a LanceDB table",
    load: () => import('./ingest-bucket.ts'),
  },
  'index-bucket': {
    describe: 'Index a table and enter it in the catalog',
    load: () => import('./index-bucket.ts'),
  },
  'fetch-queries': {
    describe: 'Make a query set of ids that are in the database',
    load: () => import('./fetch-queries.ts'),
  },
  'plan-search': {
    describe: 'Divide queries into parts for tasks of their own',
    load: () => import('./plan-search.ts'),
  },
  'search-bucket': {
    describe: 'Find the nearest neighbours of every query in one bucket',
    load: () => import('./search-bucket.ts'),
  },
  'merge-hits': {
    describe: "Merge the buckets' hits into each query's neighbours",
    load: () => import('./merge-hits.ts'),
  },
  catalog: {
    describe: 'List the buckets of a database',
    load: () => import('./catalog.ts'),
  },
  verify: {
    describe: 'Check a database against its catalog',
    load: () => import('./verify.ts'),
  },
  doctor: {
    describe: 'Check what a run needs, here or on AWS',
    load: () => import('./cloud/doctor.ts'),
  },
  launch: {
    describe: 'Run a campaign on AWS, follow it, resume it, cancel it',
    load: () => import('./cloud/launch.ts'),
  },
  'end-tasks': {
    describe: 'End the tasks of a campaign on AWS, not its head',
    load: () => import('./cloud/end-tasks.ts'),
  },
  'render-report': {
    describe: 'Show what was found, and what it took, on one HTML page',
    load: () => import('./render-report.ts'),
  },
};

/** @param name of a command that there is */
export async function loadCommand(name: string): Promise<Command> {
  const { command } = (await COMMANDS[name]!.load()) as { command: Command };
  return command;
}
