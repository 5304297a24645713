import { basename, dirname } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { requireDistinctOutputs } from '../base/files/distinct-outputs.ts';
import { withScratch } from '../base/files/scratch.ts';
import { scratchPathOf } from '../base/files/stream-output.ts';
import { withThreadPool } from '../base/threads/thread-pool.ts';
import type { ExtraField } from '../hits/extra-column.ts';
import { alignMetadata } from '../hits/neighbours-origin.ts';
import { createEvenBatches } from '../hits/output/even-batches.ts';
import { type OutputFiles, type WrittenOutputs, writeOutputs } from '../hits/output/neighbour-outputs.ts';
import { fastaWarnings } from '../hits/output/targets-fasta.ts';
import { inspectNeighbours, type NeighboursFile } from '../hits/parquet/neighbours-reader.ts';
import type { ParquetCompression } from '../hits/parquet/table-writer.ts';
import type { QueryRange } from '../hits/query-range.ts';
import { ALIGNMENT_FIELDS, type AlignChunkSettings, type AlignedChunk } from './align-columns.ts';
import { alignInThreads } from './align-in-threads.ts';
import { ALIGN_MESSAGES } from './align-messages.ts';
import type { AlignSettings } from './align-query.ts';
import type { AlignMethods } from './align-worker.ts';
import { type DatabaseResidues, databaseResidues } from './database-residues.ts';
import { QuerySequences } from './query-sequences.ts';
import { findPart, readChunks } from './read-chunks.ts';

const MODULE = new URL('./align-worker.ts', import.meta.url);
const SEQUENCE = 'sequence';
const DESCRIPTION = 'description';
/** Extra columns that precede those of the alignment. */
const FIRST: ReadonlySet<string> = new Set(['evalue']);
const OWN: ReadonlySet<string> = new Set(ALIGNMENT_FIELDS.map(({ name }) => name));

/** Files to align, outputs and settings. */
export interface AlignRequest extends AlignSettings, OutputFiles {
  /** Neighbours with the column `sequence` (Parquet). */
  neighbours: string;
  /** The sequences of the queries. */
  queries: readonly string[];
  /** Folder or S3 address of the database that was searched. */
  database: string;
  /** Positions, among the queries of the neighbours, of those to align. Default: all. */
  range?: QueryRange | undefined;
  /** Extra columns to write after those of the alignment. Default: all but `sequence`. */
  columns?: readonly string[] | undefined;
  csvSafe: boolean;
  compression: ParquetCompression;
  threads: number;
  /** Folder for temporary files. Default: the folder of `output`. */
  work?: string | undefined;
}

/**
 * Aligns each query with its first candidates, orders them, and writes the neighbours with the columns of the alignment.
 * @throws UsageError if a file is named twice; DataError if a sequence of a query is missing
 */
export async function alignNeighbours(request: AlignRequest, { progress, warn }: CommandContext) {
  const { neighbours, output, csv, fasta } = request;
  await requireDistinctOutputs([neighbours, ...request.queries], { output, csv, fasta });
  const file = await inspectNeighbours(neighbours);
  const residues = await databaseResidues(request.database, file.metadata);
  const settings = settingsFor(file, residues, request);
  const part = request.range && (await findPart(file.path, request.range));
  const queries = new QuerySequences(part?.queries);
  for (const path of request.queries) await queries.addFile(path);
  const work = request.work ?? dirname(scratchPathOf(output));
  const shown = progress('Aligning', file.rows, 'neighbours');
  const threads = { name: 'align', count: request.threads, workerData: () => settings, requestsPerThread: 2 };
  try {
    const written = await withThreadPool<AlignMethods, Written>(MODULE, threads, (pool) => {
      const chunks = readChunks(file.path, settings.fields, part?.rows);
      const aligned = alignInThreads(pool, chunks, queries, request.queries, shown.add);
      return withScratch(work, `${basename(output)}.align`, (scratch) =>
        write(aligned, { file, settings, request, scratch }),
      );
    });
    if (written.withoutSequence > 0) warn(ALIGN_MESSAGES.withoutSequence(written.withoutSequence));
    for (const warning of written.fasta ? fastaWarnings(written.fasta) : []) warn(warning);
    return written;
  } finally {
    shown.stop();
  }
}

function settingsFor(
  { path, extra }: NeighboursFile,
  residues: DatabaseResidues,
  request: AlignRequest,
): AlignChunkSettings {
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
  const description = extra.findIndex(({ name, type }) => name === DESCRIPTION && type === 'utf8');
  return {
    ...{ candidates, k, rank, ...residues, fields: extra, withTexts: request.fasta !== undefined },
    positions: { sequence, description: description < 0 ? undefined : description, before, after },
  };
}

interface Written extends WrittenOutputs {
  rows: number;
  queries: number;
  /** Neighbours with an alignment. */
  aligned: number;
  /** Candidates without a sequence. */
  withoutSequence: number;
}

/** What an aligned file is made of. */
interface Alignment {
  file: NeighboursFile;
  settings: AlignChunkSettings;
  request: AlignRequest;
  scratch: string;
}

async function write(
  chunks: AsyncIterable<AlignedChunk>,
  { file, settings, request, scratch }: Alignment,
): Promise<Written> {
  const { fields, positions, databaseResidues, assumedRows, candidates, k, rank } = settings;
  const extra: ExtraField[] = [
    ...positions.before.map((position) => fields[position]!),
    ...ALIGNMENT_FIELDS,
    ...positions.after.map((position) => fields[position]!),
  ];
  const metadata = {
    ...file.metadata,
    // No more than merge-hits kept.
    'lanceflow.k': `${Math.min(k, Number(file.metadata['lanceflow.k']) || k)}`,
    ...alignMetadata({ candidates, rank, databaseResidues, assumedRows }),
  };
  const { compression, csvSafe } = request;
  return writeOutputs(request, { compression, csvSafe, metadata, extra, scratch }, async (append, addTexts) => {
    const batches = createEvenBatches(extra, append);
    const counts = { rows: 0, queries: 0, aligned: 0, withoutSequence: 0 };
    for await (const { neighbours, texts, queries, aligned, withoutSequence } of chunks) {
      counts.rows += neighbours.ranks.length;
      counts.queries += queries;
      counts.aligned += aligned;
      counts.withoutSequence += withoutSequence;
      if (texts) addTexts(neighbours, texts);
      await batches.add(neighbours);
    }
    await batches.finish();
    return counts;
  });
}
