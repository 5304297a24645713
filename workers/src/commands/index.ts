import type { Command } from '../app/command.ts';

/** All commands: the line of each in `lanceflow --help`, and its file, which is loaded when the command runs. */
export const COMMANDS: Record<string, { describe: string; load(): Promise<{ command: Command }> }> = {
  'split-sequences': {
    describe: 'Divide a large FASTA file into parts with about equal residue counts',
    load: () => import('./split-sequences.ts'),
  },
  'embed-sequences': {
    describe: 'Embed protein sequences (FASTA) as a shard of vectors (HDF5)',
    load: () => import('./embed-sequences.ts'),
  },
  'import-vectors': {
    describe: 'Write vectors of another tool (Parquet, .npy, HDF5) as a shard',
    load: () => import('./import-vectors.ts'),
  },
  'list-columns': {
    describe: 'List the columns that --keep can name',
    load: () => import('./inspect/list-columns.ts'),
  },
  'describe-shard': {
    describe: 'Describe shards (content hash, row count, ids) for pack-buckets',
    load: () => import('./describe-shard.ts'),
  },
  'pack-buckets': { describe: 'Plan which shards go into which bucket', load: () => import('./pack-buckets.ts') },
  'ingest-bucket': {
    describe: 'Write the vectors of a bucket into a LanceDB table',
    load: () => import('./ingest-bucket.ts'),
  },
  'index-bucket': {
    describe: 'Index the table of a bucket and enter it in the catalog',
    load: () => import('./index-bucket.ts'),
  },
  'fetch-queries': { describe: 'Make a query set from ids in the database', load: () => import('./fetch-queries.ts') },
  'plan-search': {
    describe: 'Divide the queries of a search into ranges for several tasks',
    load: () => import('./plan-search.ts'),
  },
  'search-bucket': {
    describe: 'Find the nearest neighbours of every query in one bucket',
    load: () => import('./search-bucket.ts'),
  },
  'merge-hits': {
    describe: "Merge the hits of all buckets into each query's neighbours",
    load: () => import('./merge-hits.ts'),
  },
  'fetch-columns': {
    describe: 'Add columns of the database to neighbours, and write their sequences',
    load: () => import('./results/fetch-columns.ts'),
  },
  'align-neighbours': {
    describe: 'Align queries with their neighbours',
    load: () => import('./results/align-neighbours.ts'),
  },
  'join-neighbours': {
    describe: 'Join neighbours that were aligned in parts',
    load: () => import('./results/join-neighbours.ts'),
  },
  ask: {
    describe: 'Find the nearest neighbours of a few proteins at once, in place',
    load: () => import('./ask.ts'),
  },
  evaluate: {
    describe: 'Measure recall, time and bytes of searches over a grid of settings',
    load: () => import('./inspect/evaluate.ts'),
  },
  catalog: {
    describe: 'Show the buckets of a database, and what should be done for it',
    load: () => import('./inspect/catalog.ts'),
  },
  'clean-cache': {
    describe: 'List and remove embedded files that runs keep for later ones',
    load: () => import('./upkeep/clean-cache.ts'),
  },
  delete: { describe: 'Delete rows by their ids', load: () => import('./upkeep/delete.ts') },
  'delete-replaced': {
    describe: 'Delete the rows of earlier versions of changed files',
    load: () => import('./upkeep/delete-replaced.ts'),
  },
  'merge-buckets': { describe: 'Merge small buckets into large ones', load: () => import('./upkeep/merge-buckets.ts') },
  compact: { describe: 'Write tables again without their deleted rows', load: () => import('./upkeep/compact.ts') },
  adopt: { describe: "Take another client's changes of a table over", load: () => import('./upkeep/adopt.ts') },
  plan: { describe: 'Estimate the time and cost of a run before it starts', load: () => import('./pipeline/plan.ts') },
  watch: { describe: 'Show the progress of the tasks of a run', load: () => import('./pipeline/watch.ts') },
  verify: { describe: 'Check a database against its catalog', load: () => import('./upkeep/verify.ts') },
  doctor: { describe: 'Check what a run needs, on this machine or on AWS', load: () => import('./cloud/doctor.ts') },
  launch: { describe: 'Run, follow, resume or cancel a campaign on AWS', load: () => import('./cloud/launch.ts') },
  'end-tasks': {
    describe: 'End the tasks of a campaign on AWS, but not its head',
    load: () => import('./cloud/end-tasks.ts'),
  },
  'render-report': {
    describe: 'Show neighbours, recall, time and memory on one HTML page',
    load: () => import('./results/render-report.ts'),
  },
};

/** Loads a command. @param name one of COMMANDS */
export async function loadCommand(name: string): Promise<Command> {
  const { command } = await COMMANDS[name]!.load();
  return command;
}
