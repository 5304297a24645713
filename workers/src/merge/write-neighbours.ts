import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { withScratch } from '../base/files/scratch.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import type { NeighbourColumns } from '../hits/columns.ts';
import { createCsv, csvCompression } from '../hits/csv-file.ts';
import { neighboursMetadata } from '../hits/neighbours-origin.ts';
import { whyNotAlike, whyNotMerged } from '../hits/origin.ts';
import { type HitsFile, inspectHits } from '../hits/parquet/hits-reader.ts';
import { createNeighbours } from '../hits/parquet/neighbours-writer.ts';
import type { ParquetCompression } from '../hits/parquet/table-writer.ts';
import { formatEstimate } from '../vectors/recall.ts';
import { mergeFiles } from './merge-files.ts';
import { MergeRecall } from './merged-recall.ts';

/** Memory for reading hits. */
const READ_BYTES = 320 * 1024 * 1024;

/** What is merged, and how. */
export interface MergeRequest {
  /** Hits of the buckets, and what was written of their true hits. */
  input: readonly string[];
  truth: readonly string[];
  k: number;
  output: string;
  csv?: string | undefined;
  csvSafe: boolean;
  compression: ParquetCompression;
  threads: number;
  /** Folder for temporary files; that of `output` where not given. */
  work?: string | undefined;
}

type MergeArgs = MergeRequest & { scratch: string };

/**
 * Merges the hits of all buckets into each query's neighbours, and writes them.
 * @throws UsageError where files are named twice; DataError where the hits do not belong together
 */
export async function writeNeighbours(request: MergeRequest, context: CommandContext) {
  const { k, output, csv } = request;
  const outputs = [output, ...(csv ? [csv] : [])];
  const files = await inspectInputs(request.input, outputs);
  const truth = await inspectInputs(request.truth, outputs);
  const reason = whyNotMerged(files, k) ?? whyNotMerged(truth, k) ?? whyNotAlike([...files, ...truth], k);
  if (reason !== undefined) throw new DataError(reason);
  const work = request.work ?? dirname(resolve(output));
  return withScratch(work, `${basename(output)}.merge`, (scratch) =>
    merge(files, truth, { ...request, scratch }, context),
  );
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
