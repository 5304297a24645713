import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { withScratch } from '../base/files/scratch.ts';
import { scratchPathOf } from '../base/files/stream-output.ts';
import type { NeighbourColumns } from '../hits/columns.ts';
import { createEvalues, type DroppedQueries, EVALUE } from '../hits/evalues.ts';
import { neighboursMetadata } from '../hits/neighbours-origin.ts';
import { findCampaignConflict, findMergeConflict } from '../hits/origin.ts';
import { writeOutputs } from '../hits/output/neighbour-outputs.ts';
import { type HitsFile, inspectHits } from '../hits/parquet/hits-reader.ts';
import type { ParquetCompression } from '../hits/parquet/table-writer.ts';
import { formatEstimate } from '../vectors/recall.ts';
import { mergeFiles } from './merge-files.ts';
import { MERGE_MESSAGES } from './merge-messages.ts';
import { MergedRecall } from './merged-recall.ts';

/** Memory for reading hits. */
const READ_BYTES = 320 * 1024 * 1024;

/** Files to merge, outputs and settings. */
export interface MergeRequest {
  /** Hits of the buckets. */
  input: readonly string[];
  /** Their ground truths. */
  truth: readonly string[];
  k: number;
  output: string;
  csv?: string | undefined;
  csvSafe: boolean;
  /** Drops neighbours with a larger E-value. */
  maxEvalue?: number | undefined;
  compression: ParquetCompression;
  threads: number;
  /** Folder for temporary files. Default: the folder of `output`. */
  work?: string | undefined;
}

/** Files whose footers have been read, and which belong together. */
interface MergeInputs {
  hits: readonly HitsFile[];
  groundTruth: readonly HitsFile[];
}

/**
 * Merges the hits of all buckets into each query's neighbours, and writes them.
 * @throws UsageError if a file is named twice; DataError if the hits do not belong together
 */
export async function writeNeighbours(request: MergeRequest, context: CommandContext) {
  const inputs = await openInputs(request);
  const work = request.work ?? dirname(scratchPathOf(request.output));
  return withScratch(work, `${basename(request.output)}.merge`, (scratch) => merge(inputs, request, scratch, context));
}

async function openInputs({ input, truth, k, output, csv, maxEvalue }: MergeRequest): Promise<MergeInputs> {
  const outputs = [output, ...(csv ? [csv] : [])].map((path) => resolve(path));
  if (new Set(outputs).size < outputs.length) throw new UsageError(MERGE_MESSAGES.sameOutputs);
  const hits = await inspectInputs(input, outputs);
  const groundTruth = await inspectInputs(truth, outputs);
  const conflict =
    findMergeConflict(hits, k) ??
    findMergeConflict(groundTruth, k) ??
    findCampaignConflict([...hits, ...groundTruth], k);
  if (conflict !== undefined) throw new DataError(conflict);
  const unjudged = hits.find(({ origin, bucketRows }) => !origin || bucketRows === undefined);
  if (maxEvalue !== undefined && unjudged) throw new DataError(MERGE_MESSAGES.noPValues(unjudged.path));
  return { hits, groundTruth };
}

/** @param outputs absolute paths */
async function inspectInputs(paths: readonly string[], outputs: readonly string[]): Promise<HitsFile[]> {
  const seen = new Set<string>();
  const files: HitsFile[] = [];
  for (const path of paths) {
    const file = await inspectHits(path);
    const real = await realpath(path);
    if (seen.has(real)) throw new UsageError(MERGE_MESSAGES.inputTwice(path));
    if (outputs.includes(real)) throw new UsageError(MERGE_MESSAGES.inputIsOutput(path));
    seen.add(real);
    files.push(file);
  }
  return files;
}

async function merge(
  { hits, groundTruth }: MergeInputs,
  request: MergeRequest,
  scratch: string,
  context: CommandContext,
) {
  const { k, threads, maxEvalue, compression, csvSafe } = request;
  const hitCount = hits.reduce((sum, { rows }) => sum + rows, 0);
  const progress = context.progress('Merging', hitCount, 'hits');
  try {
    const databaseRows = searchedRows(hits);
    const hasPValues = databaseRows !== undefined;
    const options = { k, threads, memoryBytes: READ_BYTES, scratch, log: context.log };
    const recall = new MergedRecall();
    if (groundTruth.length > 0)
      for await (const batch of mergeFiles(groundTruth, { ...options, hasPValues: false, onRows() {} }))
        recall.addGroundTruth(batch);
    const metadata = neighboursMetadata(hits, k, maxEvalue);
    const merged = mergeFiles(hits, { ...options, hasPValues, onRows: progress.add });
    const droppedQueries: DroppedQueries = { count: 0, first: [] };
    const { extra, convert } = hasPValues
      ? { extra: [EVALUE], convert: createEvalues(databaseRows, maxEvalue, droppedQueries) }
      : { extra: [], convert: (batch: NeighbourColumns) => batch };
    const written = await writeOutputs(request, { compression, csvSafe, metadata, extra, scratch }, async (append) => {
      let rows = 0;
      let queries = 0;
      for await (const found of merged) {
        recall.addFound(found);
        const batch = convert(found);
        rows += batch.ranks.length;
        for (const rank of batch.ranks) if (rank === 1) queries++;
        await append(batch);
      }
      return { rows, queries, k };
    });
    const estimate = recall.estimate();
    if (estimate) context.log(MERGE_MESSAGES.recall(k, formatEstimate(estimate)));
    const limited = maxEvalue === undefined ? {} : { maxEvalue, droppedQueries };
    return { ...written, hits: hitCount, ...limited, ...(estimate && { recall: estimate }) };
  } finally {
    progress.stop();
  }
}

/** Returns the rows of all searched buckets; undefined where hits of any have no p-values. */
function searchedRows(hits: readonly HitsFile[]): number | undefined {
  const rows = new Map<string, number>();
  for (const { origin, bucketRows } of hits) {
    if (!origin || bucketRows === undefined) return undefined;
    rows.set(origin.bucket, bucketRows);
  }
  return [...rows.values()].reduce((sum, count) => sum + count, 0);
}
