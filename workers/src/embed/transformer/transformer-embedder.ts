import { DataError } from '../../base/errors.ts';
import type { TrailingStop } from '../../fasta/sequence.ts';
import type { OnnxSession } from '../../onnx/onnx-session.ts';
import type { Feeds } from '../../onnx/onnx-worker.ts';
import type { ShardAttributes } from '../../shard/shard.ts';
import type { Embedder } from '../embedder.ts';
import { planBatches } from './batches.ts';
import { ENCODER_IO } from './encoder-graph.ts';
import { type Pooling, planWindows, poolingWeights } from './pooling.ts';
import { findUnknownLetter, type Tokenizer, tokenize, type UnknownLetters } from './tokenizers/tokenizer.ts';

/** About half a minute on a CPU, for a model of 350 million weights. */
const BLOCK_RESIDUES = 8192;
/** Batches per block: after sorting that many sequences, those of a batch have almost the same length. */
const BATCHES_PER_BLOCK = 64;

/** Treatment of residues beyond the length limit. */
export const LONG_SEQUENCES = ['truncate', 'windows'] as const;
export type LongSequences = (typeof LONG_SEQUENCES)[number];

export interface TransformerParts {
  session: OnnxSession;
  tokenizer: Tokenizer;
  dimension: number;
  attributes: ShardAttributes;
  pooling: Pooling;
  long: LongSequences;
  maxResidues: number;
  windowOverlap: number;
  unknownLetters: UnknownLetters;
  trailingStop: TrailingStop;
  /** Tokens of a batch; 0: one sequence at a time, in a graph without padding. */
  batchTokens: number;
}

/** A sequence, or one window of it, as input of the graph. */
interface Piece {
  /** The row of the result to which it is added. */
  slot: number;
  ids: Int32Array;
  weights: Float32Array;
}

/** Embeds sequences with a transformer: tokens, batches, graph, pooling. */
export function createTransformerEmbedder(parts: TransformerParts): Embedder {
  const { session, dimension, attributes, trailingStop, tokenizer } = parts;
  return {
    dimension,
    attributes,
    trailingStop,
    ...(parts.unknownLetters === 'refuse' && { findRefused: (sequence) => findUnknownLetter(tokenizer, sequence) }),
    blockResidues: Math.max(BLOCK_RESIDUES, BATCHES_PER_BLOCK * parts.batchTokens),
    async embed(sequences) {
      const { slots, unique } = findUnique(sequences);
      const pieces = unique.flatMap((sequence, slot) => cutSequence(parts, sequence, slot));
      const vectors = new Float32Array(unique.length * dimension);
      for (const batch of planBatches(
        pieces.map(({ ids }) => ids.length),
        parts.batchTokens,
      )) {
        const members = batch.map((index) => pieces[index]!);
        const outputs = await session.run(feedsOf(parts, members));
        addRows(vectors, members, outputs[ENCODER_IO.vectors]!, dimension);
      }
      return gatherRows(vectors, slots, dimension);
    },
    close: () => session.close(),
  };
}

/** Deduplicates sequences, so that identical ones are embedded once. */
function findUnique(sequences: readonly string[]): { slots: Int32Array; unique: string[] } {
  const slotOf = new Map<string, number>();
  const slots = Int32Array.from(sequences, (sequence) => {
    if (sequence.length === 0) throw new DataError('A sequence without residues cannot be embedded.');
    const slot = slotOf.get(sequence) ?? slotOf.size;
    slotOf.set(sequence, slot);
    return slot;
  });
  return { slots, unique: [...slotOf.keys()] };
}

function cutSequence(parts: TransformerParts, sequence: string, slot: number): Piece[] {
  const { tokenizer, maxResidues } = parts;
  const windows =
    parts.long === 'windows'
      ? planWindows(sequence.length, maxResidues, parts.windowOverlap)
      : [{ start: 0, end: Math.min(sequence.length, maxResidues) }];
  const weights = poolingWeights(parts.pooling, windows, tokenizer);
  return windows.map(({ start, end }, i) => ({
    slot,
    ids: tokenize(tokenizer, sequence, start, end),
    weights: weights[i]!,
  }));
}

/** Builds the inputs of the graph, padded to the first piece, which is the longest. */
function feedsOf({ tokenizer, batchTokens }: TransformerParts, pieces: readonly Piece[]): Feeds {
  const length = pieces[0]!.ids.length;
  const shape = [pieces.length, length];
  const ids = new BigInt64Array(pieces.length * length).fill(BigInt(tokenizer.padId));
  const weights = new Float32Array(pieces.length * length);
  for (const [row, piece] of pieces.entries()) {
    for (let i = 0; i < piece.ids.length; i++) ids[row * length + i] = BigInt(piece.ids[i]!);
    weights.set(piece.weights, row * length);
  }
  const feeds: Feeds = {
    [ENCODER_IO.tokenIds]: { type: 'int64', data: ids, dims: shape },
    [ENCODER_IO.poolingWeights]: { type: 'float32', data: weights, dims: shape },
  };
  if (batchTokens > 0) {
    const counts = Int32Array.from(pieces, ({ ids }) => ids.length);
    feeds[ENCODER_IO.tokenCounts] = { type: 'int32', data: counts, dims: [pieces.length] };
  }
  return feeds;
}

function addRows(vectors: Float32Array, pieces: readonly Piece[], rows: Float32Array, dimension: number): void {
  for (const [row, { slot }] of pieces.entries())
    for (let i = 0; i < dimension; i++) vectors[slot * dimension + i]! += rows[row * dimension + i]!;
}

function gatherRows(vectors: Float32Array, slots: Int32Array, dimension: number): Float32Array {
  const rows = new Float32Array(slots.length * dimension);
  for (const [row, slot] of slots.entries())
    rows.set(vectors.subarray(slot * dimension, (slot + 1) * dimension), row * dimension);
  return rows;
}
