import { createNeighbourBuilder } from '../hits/builder.ts';
import { hitRows, hitsOf, type NeighbourColumns, sameText } from '../hits/columns.ts';
import { type ExtraColumn, type ExtraField, extraFrom, hasValue } from '../hits/extra-column.ts';
import type { TargetTexts } from '../hits/output/targets-fasta.ts';
import { type AlignSettings, alignQuery, type RankedCandidate } from './align-query.ts';
import type { DatabaseResidues } from './database-residues.ts';
import { compositionOf, relativeLambda } from './local/composition.ts';
import type { LocalAligner } from './local/local-aligner.ts';
import { encodeResidues, type Residues } from './local/residues.ts';
import { alignmentEvalue, bitScore } from './local/statistics.ts';

/** The columns of an alignment, null where there is none: shares from 0 to 1, bits, and expected alignments by chance. */
export const ALIGNMENT_FIELDS = [
  { name: 'identity', type: 'float32' },
  { name: 'query_coverage', type: 'float32' },
  { name: 'target_coverage', type: 'float32' },
  { name: 'bits', type: 'float32' },
  { name: 'alignment_evalue', type: 'float64' },
] as const satisfies readonly ExtraField[];

/** Positions of extra columns of the neighbours that are read. */
export interface ExtraPositions {
  sequence: number;
  /** Written before the columns of the alignment. */
  before: readonly number[];
  /** Written after them. */
  after: readonly number[];
  /** Description of the targets, for FASTA. */
  description?: number | undefined;
}

export interface AlignChunkSettings extends AlignSettings, DatabaseResidues {
  /** Extra columns of the neighbours that are read. */
  fields: readonly ExtraField[];
  positions: ExtraPositions;
  /** Whether the targets are written as FASTA. */
  withTexts: boolean;
}

/** Neighbours of whole queries, and the queries' residues, in the order of the neighbours. */
export interface Chunk {
  neighbours: NeighbourColumns;
  queries: Residues[];
}

export interface AlignedChunk {
  neighbours: NeighbourColumns;
  /** For FASTA. */
  texts: TargetTexts | undefined;
  queries: number;
  /** Neighbours that have an alignment. */
  aligned: number;
  /** Candidates that could not be aligned, as their sequence is not known. */
  withoutSequence: number;
}

interface KeptCandidate extends RankedCandidate {
  row: number;
  rank: number;
  query: Residues;
  target: Residues | undefined;
}

/** Aligns and orders the neighbours of whole queries. */
export function alignChunk(aligner: LocalAligner, chunk: Chunk, settings: AlignChunkSettings): AlignedChunk {
  const hits = hitsOf(chunk.neighbours);
  const rows = hitRows(hits);
  const sequences = hits.extra![settings.positions.sequence]!;
  const kept: KeptCandidate[] = [];
  let withoutSequence = 0;
  let query = 0;
  for (let from = 0, to = 0; from < rows; from = to, query++) {
    while (to < rows && sameText(hits.queryIds, to, hits.queryIds, from)) to++;
    const residues = chunk.queries[query]!;
    // Only candidates are aligned.
    const targets = Array.from({ length: to - from }, (_, position) =>
      position < settings.candidates ? targetOf(sequences, from + position) : undefined,
    );
    withoutSequence += targets.slice(0, settings.candidates).filter((target) => target === undefined).length;
    for (const [i, candidate] of alignQuery(aligner, residues, targets, settings).entries()) {
      const { position } = candidate;
      kept.push({ ...candidate, row: from + position, rank: i + 1, query: residues, target: targets[position] });
    }
  }
  const limits = { rows: Math.max(1, kept.length), bytes: Number.POSITIVE_INFINITY };
  const builder = createNeighbourBuilder(limits, settings.fields);
  for (const { row, rank } of kept) builder.push(hits, row, rank);
  const taken = builder.take();
  const facts = kept.map((candidate) => factsOf(candidate, settings.databaseResidues));
  const columns = ALIGNMENT_FIELDS.map(({ type }, i) =>
    extraFrom(
      type,
      facts.map((row) => row?.[i] ?? null),
    ),
  );
  const columnsAt = (positions: readonly number[]) => positions.map((position) => taken.extra![position]!);
  const { sequence, description, before, after } = settings.positions;
  const texts = {
    sequence: taken.extra![sequence]!,
    description: description === undefined ? undefined : taken.extra![description]!,
  };
  return {
    neighbours: { ...taken, extra: [...columnsAt(before), ...columns, ...columnsAt(after)] },
    texts: settings.withTexts ? texts : undefined,
    queries: chunk.queries.length,
    aligned: facts.filter((row) => row !== undefined).length,
    withoutSequence,
  };
}

/** Returns the values of ALIGNMENT_FIELDS; undefined without an alignment. */
function factsOf({ alignment, query, target }: KeptCandidate, databaseResidues: number) {
  if (alignment === undefined || target === undefined) return undefined;
  const { score, identical, columns, queryStart, queryEnd, targetStart, targetEnd } = alignment;
  // Of the aligned residues alone: a repeat in one part of a protein does not show in the composition of the whole.
  const aligned = [query.subarray(queryStart, queryEnd), target.subarray(targetStart, targetEnd)] as const;
  const relative = relativeLambda(compositionOf(aligned[0]), compositionOf(aligned[1]));
  return [
    identical / columns,
    (queryEnd - queryStart) / query.length,
    (targetEnd - targetStart) / target.length,
    bitScore(score),
    alignmentEvalue(score, relative, query.length, databaseResidues),
  ];
}

function targetOf(column: ExtraColumn, row: number): Residues | undefined {
  if ('values' in column || !hasValue(column, row)) return undefined;
  return encodeResidues(column.bytes.subarray(column.offsets[row]!, column.offsets[row + 1]!));
}
