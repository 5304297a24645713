import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { writeAllAtomically } from '../base/files/write-atomically.ts';
import { withThreadPool } from '../base/threads/thread-pool.ts';
import { createCsv } from '../hits/csv/csv-file.ts';
import type { ExtraField } from '../hits/extra-column.ts';
import { textCompression } from '../hits/output/text-file.ts';
import { inspectNeighbours, type NeighboursFile } from '../hits/parquet/neighbours-reader.ts';
import { createNeighbours } from '../hits/parquet/neighbours-writer.ts';
import type { ParquetCompression } from '../hits/parquet/table-writer.ts';
import { ALIGNMENT_FIELDS, type AlignChunkSettings, type AlignedChunk } from './align-columns.ts';
import { alignInThreads } from './align-in-threads.ts';
import { ALIGN_MESSAGES } from './align-messages.ts';
import type { AlignSettings } from './align-query.ts';
import type { AlignMethods } from './align-worker.ts';
import { databaseResidues } from './database-residues.ts';
import { QuerySequences } from './query-sequences.ts';
import { readChunks } from './read-chunks.ts';

const MODULE = new URL('./align-worker.ts', import.meta.url);
const SEQUENCE = 'sequence';
/** Extra columns that precede those of the alignment. */
const FIRST: ReadonlySet<string> = new Set(['evalue']);
const OWN: ReadonlySet<string> = new Set(ALIGNMENT_FIELDS.map(({ name }) => name));

/** Files to align, outputs and settings. */
export interface AlignRequest extends AlignSettings {
  /** Neighbours with the column `sequence` (Parquet). */
  neighbours: string;
  /** The sequences of the queries. */
  queries: readonly string[];
  /** Folder or S3 address of the database that was searched. */
  database: string;
  /** Extra columns to write after those of the alignment. Default: all but `sequence`. */
  columns?: readonly string[] | undefined;
  output: string;
  csv?: string | undefined;
  csvSafe: boolean;
  compression: ParquetCompression;
  threads: number;
}

/**
 * Aligns each query with its first candidates, orders them, and writes the neighbours with the columns of the alignment.
 * @throws UsageError if a file is named twice; DataError if a sequence of a query is missing
 */
export async function alignNeighbours(request: AlignRequest, { progress, warn }: CommandContext) {
  await checkOutputs(request);
  const file = await inspectNeighbours(request.neighbours);
  const residues = await databaseResidues(request.database, file.metadata);
  const settings = settingsFor(file, residues, request);
  const queries = new QuerySequences();
  for (const path of request.queries) await queries.addFile(path);
  const shown = progress('Aligning', file.rows, 'neighbours');
  const threads = { name: 'align', count: request.threads, workerData: () => settings, requestsPerThread: 2 };
  try {
    const written = await withThreadPool<AlignMethods, Written>(MODULE, threads, (pool) => {
      const chunks = readChunks(file.path, settings.fields);
      const aligned = alignInThreads(pool, chunks, queries, request.queries, shown.add);
      return writeAllAtomically([request.output, request.csv], ([parquet, csv]) =>
        write(aligned, { parquet: parquet!, csv }, file, settings, request),
      );
    });
    if (written.withoutSequence > 0) warn(ALIGN_MESSAGES.withoutSequence(written.withoutSequence));
    return written;
  } finally {
    shown.stop();
  }
}

async function checkOutputs({ neighbours, output, csv }: AlignRequest): Promise<void> {
  const outputs = [output, ...(csv === undefined ? [] : [csv])].map((path) => resolve(path));
  if (new Set(outputs).size < outputs.length) throw new UsageError(ALIGN_MESSAGES.sameOutputs);
  const input = await realpath(neighbours).catch(() => neighbours);
  if (outputs.includes(input)) throw new UsageError(ALIGN_MESSAGES.inputIsOutput(neighbours));
}

function settingsFor({ path, extra }: NeighboursFile, residues: number, request: AlignRequest): AlignChunkSettings {
  const { candidates, k, rank } = request;
  const sequence = extra.findIndex(({ name }) => name === SEQUENCE);
  if (sequence < 0) throw new DataError(ALIGN_MESSAGES.noSequences(path));
  if (extra[sequence]!.type !== 'utf8') throw new DataError(ALIGN_MESSAGES.sequenceIsNotText(path));
  const names = request.columns ?? extra.map(({ name }) => name).filter((name) => name !== SEQUENCE);
  const missing = names.find((name) => !extra.some((field) => field.name === name));
  if (missing !== undefined)
    throw new UsageError(
      ALIGN_MESSAGES.noColumn(
        path,
        missing,
        extra.map(({ name }) => name),
      ),
    );
  const others = names.filter((name) => !FIRST.has(name) && !OWN.has(name));
  const before = extra.flatMap(({ name }, position) => (FIRST.has(name) ? [position] : []));
  const after = others.map((name) => extra.findIndex((field) => field.name === name));
  return { candidates, k, rank, databaseResidues: residues, fields: extra, positions: { sequence, before, after } };
}

interface Written {
  rows: number;
  queries: number;
  aligned: number;
  withoutSequence: number;
  bytes: number;
}

/** @param paths temporary names */
async function write(
  chunks: AsyncIterable<AlignedChunk>,
  paths: { parquet: string; csv: string | undefined },
  file: NeighboursFile,
  { fields, positions, databaseResidues: residues, candidates, k, rank }: AlignChunkSettings,
  request: AlignRequest,
): Promise<Written> {
  const extra: ExtraField[] = [
    ...positions.before.map((position) => fields[position]!),
    ...ALIGNMENT_FIELDS,
    ...positions.after.map((position) => fields[position]!),
  ];
  const metadata = {
    ...file.metadata,
    'lanceflow.k': `${k}`,
    'lanceflow.align': JSON.stringify({ candidates, rank, databaseResidues: residues }),
  };
  const neighbours = await createNeighbours(paths.parquet, request.compression, metadata, extra);
  const csv = paths.csv
    ? await createCsv(paths.csv, textCompression(request.csv ?? ''), request.csvSafe, extra)
    : undefined;
  try {
    const counts = { rows: 0, queries: 0, aligned: 0, withoutSequence: 0 };
    for await (const chunk of chunks) {
      counts.rows += chunk.neighbours.ranks.length;
      counts.queries += chunk.queries;
      counts.aligned += chunk.aligned;
      counts.withoutSequence += chunk.withoutSequence;
      await Promise.all([neighbours.append(chunk.neighbours), csv?.append(chunk.neighbours)]);
    }
    const parquetBytes = await neighbours.finish();
    const csvBytes = (await csv?.finish()) ?? 0;
    return { ...counts, bytes: parquetBytes + csvBytes };
  } catch (error) {
    await Promise.allSettled([neighbours.abandon(), csv?.abandon()]);
    throw error;
  }
}
