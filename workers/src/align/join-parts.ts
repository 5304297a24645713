import { basename, dirname } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { requireDistinctOutputs } from '../base/files/distinct-outputs.ts';
import { withScratch } from '../base/files/scratch.ts';
import { scratchPathOf } from '../base/files/stream-output.ts';
import { compareText, copyText, hitRows, hitsOf, type NeighbourColumns, type Texts } from '../hits/columns.ts';
import type { ExtraField } from '../hits/extra-column.ts';
import { createEvenBatches } from '../hits/output/even-batches.ts';
import { type OutputFiles, writeOutputs } from '../hits/output/neighbour-outputs.ts';
import { fastaWarnings } from '../hits/output/targets-fasta.ts';
import { inspectNeighbours, type NeighboursFile, readNeighbours } from '../hits/parquet/neighbours-reader.ts';
import type { ParquetCompression } from '../hits/parquet/table-writer.ts';
import { ALIGNMENT_FIELDS } from './align-columns.ts';
import { ALIGN_MESSAGES } from './align-messages.ts';

/** Files whose footers are read at once. */
const FILES_AT_ONCE = 16;
/** Extra columns that are always written. */
const OWN: ReadonlySet<string> = new Set(['evalue', ...ALIGNMENT_FIELDS.map(({ name }) => name)]);

/** Parts to join, and outputs. */
export interface JoinRequest extends OutputFiles {
  /** Aligned neighbours of consecutive ranges of queries. */
  input: readonly string[];
  /** Further columns to write. Default: all but `sequence`. */
  columns?: readonly string[] | undefined;
  csvSafe: boolean;
  compression: ParquetCompression;
  /** Folder for temporary files. Default: the folder of `output`. */
  work?: string | undefined;
}

/**
 * Joins aligned neighbours: the files have the bytes that aligning all queries at once gives.
 * @throws UsageError for a column that the parts lack; DataError for parts of other neighbours, or in another order
 */
export async function joinParts(request: JoinRequest, { progress, warn }: CommandContext) {
  const { input, output, csv, fasta, compression, csvSafe } = request;
  await requireDistinctOutputs(input, { output, csv, fasta });
  const parts = await mapConcurrently(input, FILES_AT_ONCE, inspectNeighbours);
  const [first] = parts as [NeighboursFile];
  const other = parts.find((part) => keyOf(part) !== keyOf(first));
  if (other) throw new DataError(ALIGN_MESSAGES.otherPart(other.path, first.path));
  const kept = keptPositions(first, request.columns);
  const place = (name: string) => first.extra.findIndex((field) => field.name === name && field.type === 'utf8');
  const [sequence, description] = [place('sequence'), place('description')];
  if (fasta !== undefined && sequence < 0) throw new UsageError(ALIGN_MESSAGES.noPartSequences(first.path));
  const extra: ExtraField[] = kept.map((position) => first.extra[position]!);
  const rowCount = parts.reduce((sum, { rows }) => sum + rows, 0);
  const bar = progress('Joining', rowCount, 'neighbours');
  try {
    const work = request.work ?? dirname(scratchPathOf(output));
    const written = await withScratch(work, `${basename(output)}.join`, (scratch) => {
      const options = { compression, csvSafe, metadata: first.metadata, extra, scratch };
      return writeOutputs(request, options, async (append, addTexts) => {
        const batches = createEvenBatches(extra, append);
        let queries = 0;
        for await (const batch of inOrder(parts)) {
          const columns = batch.extra ?? [];
          if (fasta !== undefined) addTexts(batch, { sequence: columns[sequence]!, description: columns[description] });
          await batches.add({ ...batch, extra: kept.map((position) => columns[position]!) });
          for (const rank of batch.ranks) if (rank === 1) queries++;
          bar.add(hitRows(batch));
        }
        await batches.finish();
        return { rows: rowCount, queries };
      });
    });
    for (const warning of written.fasta ? fastaWarnings(written.fasta) : []) warn(warning);
    return written;
  } finally {
    bar.stop();
  }
}

/** Returns what is the same in all parts. */
function keyOf({ extra, metadata }: NeighboursFile): string {
  return JSON.stringify([extra, metadata]);
}

function keptPositions({ path, extra }: NeighboursFile, columns: readonly string[] | undefined): number[] {
  const missing = columns?.find((name) => !extra.some((field) => field.name === name));
  if (missing !== undefined) throw new UsageError(ALIGN_MESSAGES.noPartColumn(path, missing));
  const isKept = (name: string) => OWN.has(name) || (columns ? columns.includes(name) : name !== 'sequence');
  return extra.flatMap(({ name }, position) => (isKept(name) ? [position] : []));
}

/** Reads the parts one after the other. @throws DataError where the queries of one are not after those of the part before */
async function* inOrder(parts: readonly NeighboursFile[]): AsyncGenerator<NeighbourColumns> {
  let last: { query: Texts; path: string } | undefined;
  for (const { path, extra } of parts) {
    let query: Texts | undefined;
    for await (const batch of readNeighbours(path, extra)) {
      const { queryIds } = hitsOf(batch);
      if (hitRows(batch) === 0) continue;
      if (query === undefined && last !== undefined && compareText(last.query, 0, queryIds, 0) >= 0)
        throw new DataError(ALIGN_MESSAGES.partOrder(path, last.path));
      query = copyText(queryIds, hitRows(batch) - 1);
      yield batch;
    }
    if (query !== undefined) last = { query, path };
  }
}
