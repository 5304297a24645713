import { realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, resolve } from 'node:path';
import { type CommandContext, defineCommand } from '../app/command.ts';
import { requireWhole } from '../app/option-checks.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { withScratch } from '../base/files/scratch.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import type { NeighbourColumns } from '../hits/columns.ts';
import { createCsv, csvCompression } from '../hits/csv-file.ts';
import { neighboursMetadata } from '../hits/neighbours-origin.ts';
import { whyNotAlike, whyNotMerged } from '../hits/origin.ts';
import { type HitsFile, inspectHits } from '../hits/parquet/hits-reader.ts';
import { createNeighbours } from '../hits/parquet/neighbours-writer.ts';
import { COMPRESSIONS, type ParquetCompression } from '../hits/parquet/table-writer.ts';
import { mergeFiles } from '../merge/merge-files.ts';
import { MergeRecall } from '../merge/merged-recall.ts';
import { formatEstimate } from '../vectors/recall.ts';

/** More threads than this wait for the one that writes. */
const MOST_THREADS = 4;
const READ_BYTES = 320 * 1024 * 1024;

export const command = defineCommand({
  describe: "Merge the buckets' hits into each query's neighbours",
  options: {
    input: { type: 'string', array: true, demandOption: true, describe: 'Hits of search-bucket (Parquet)' },
    k: { type: 'number', demandOption: true, describe: 'Neighbours to keep for each query' },
    truth: {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'What search-bucket --truth wrote for the same buckets: for the recall of the neighbours',
    },
    output: { type: 'string', demandOption: true, describe: 'Neighbours to write (Parquet)' },
    csv: { type: 'string', describe: 'Write them as CSV too; a name that ends in .gz or .zst is compressed' },
    'csv-safe': {
      type: 'boolean',
      default: false,
      describe: "CSV: put ' before ids that begin with = + - @, which spreadsheets would compute",
    },
    compression: { choices: COMPRESSIONS, default: 'zstd', describe: 'Of the Parquet file' },
    work: { type: 'string', describe: 'Folder for temporary files [default: that of --output]' },
    threads: { type: 'number', describe: `Threads that read [default: the cores, at most ${MOST_THREADS}]` },
  },
  examples: [
    [
      'merge-hits --input hits/*.parquet --k 10 --output neighbours.parquet --csv neighbours.csv',
      'The 10 nearest of all buckets, in both formats',
    ],
  ],
  async run(args, context) {
    const threads = args.threads ?? Math.min(MOST_THREADS, availableParallelism());
    checkCounts(args.k, threads);
    if (args.input.length === 0) throw new UsageError('--input names no file. Name the hits of at least one bucket.');
    const outputs = [args.output, ...(args.csv ? [args.csv] : [])];
    const files = await inspectInputs(args.input, outputs);
    const truth = await inspectInputs(args.truth, outputs);
    const reason =
      whyNotMerged(files, args.k) ?? whyNotMerged(truth, args.k) ?? whyNotAlike([...files, ...truth], args.k);
    if (reason !== undefined) throw new DataError(reason);
    const work = args.work ?? dirname(resolve(args.output));
    return withScratch(work, `${basename(args.output)}.merge`, (scratch) =>
      merge(files, truth, { ...args, compression: args.compression as ParquetCompression, threads, scratch }, context),
    );
  },
  summary: ({ rows, queries, bytes }) =>
    `merge-hits: ${rows} neighbours of ${queries} queries, ${(bytes / 1e6).toFixed(1)} MB`,
});

interface MergeArgs {
  k: number;
  output: string;
  csv?: string | undefined;
  csvSafe: boolean;
  compression: ParquetCompression;
  threads: number;
  scratch: string;
}

function checkCounts(k: number, threads: number) {
  requireWhole('k', k);
  requireWhole('threads', threads);
}

async function inspectInputs(paths: readonly string[], outputs: readonly string[]): Promise<HitsFile[]> {
  const targets = outputs.map((path) => resolve(path));
  if (new Set(targets).size < targets.length)
    throw new UsageError('--output and --csv name the same file. Give each its own.');
  const seen = new Map<string, string>();
  const files: HitsFile[] = [];
  for (const path of paths) {
    const file = await inspectHits(path);
    const real = await realpath(path);
    if (seen.has(real)) throw new UsageError(`--input names ${path} twice: its hits would count double.`);
    if (targets.includes(real)) throw new UsageError(`${path} is both input and output.`);
    seen.set(real, path);
    files.push(file);
  }
  return files;
}

async function merge(files: readonly HitsFile[], truth: readonly HitsFile[], args: MergeArgs, context: CommandContext) {
  const hits = files.reduce((sum, { rows }) => sum + rows, 0);
  const progress = context.progress('Merging', hits, 'hits');
  try {
    const { k, threads, scratch, csv } = args;
    const options = { k, threads, memoryBytes: READ_BYTES, scratch, log: context.log };
    const recall = new MergeRecall();
    if (truth.length > 0)
      for await (const batch of mergeFiles(truth, { ...options, onRows() {} })) recall.addTruth(batch);
    const metadata = neighboursMetadata(files, k);
    const merged = mergeFiles(files, { ...options, onRows: progress.add });
    const written = await writeAtomically(args.output, (parquet) =>
      csv === undefined
        ? write(merged, parquet, undefined, recall, metadata, args)
        : writeAtomically(csv, (csvPath) => write(merged, parquet, csvPath, recall, metadata, args)),
    );
    const estimate = recall.estimate();
    if (estimate) context.log(`merge-hits: recall@${k} ${formatEstimate(estimate)}`);
    return { ...written, ...(estimate && { recall: estimate }) };
  } finally {
    progress.stop();
  }
}

async function write(
  merged: AsyncIterable<NeighbourColumns>,
  parquetPath: string,
  csvPath: string | undefined,
  recall: MergeRecall,
  metadata: Record<string, string>,
  { k, compression, csv: csvName, csvSafe }: MergeArgs,
) {
  const neighbours = await createNeighbours(parquetPath, compression, metadata);
  const csv = csvPath ? await createCsv(csvPath, csvCompression(csvName ?? ''), csvSafe) : undefined;
  try {
    let rows = 0;
    let queries = 0;
    for await (const batch of merged) {
      rows += batch.ranks.length;
      for (const rank of batch.ranks) if (rank === 1) queries++;
      recall.addFound(batch);
      await Promise.all([neighbours.append(batch), csv?.append(batch)]);
    }
    const parquetBytes = await neighbours.finish();
    const csvBytes = (await csv?.finish()) ?? 0;
    return { rows, queries, k, bytes: parquetBytes + csvBytes, parquetBytes, csvBytes };
  } catch (error) {
    await Promise.allSettled([neighbours.abandon(), csv?.abandon()]);
    throw error;
  }
}
