import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';

export interface RelativeBuckets {
  /** Half of them for keys before the query, half for keys after it. */
  count: number;
  /** The distance in tokens from which all keys are in the last bucket. */
  maxDistance: number;
}

/**
 * Returns T5's bucket of each offset of a key from its query, from -distance to distance tokens. Near offsets have a bucket each, farther ones share buckets
 * whose width grows with the logarithm. Every step is rounded to float32, as in the reference implementation.
 */
export function relativeBuckets({ count, maxDistance }: RelativeBuckets, distance: number): number[] {
  const half = Math.floor(count / 2);
  const exact = Math.floor(half / 2);
  const range = Math.fround(Math.log(maxDistance / exact));
  const bucketOf = (tokens: number) => {
    if (tokens < exact) return tokens;
    const logarithm = Math.fround(Math.log(Math.fround(tokens / exact)));
    const share = Math.fround(Math.fround(logarithm / range) * (half - exact));
    return Math.min(exact + Math.trunc(share), half - 1);
  };
  return Array.from({ length: 2 * distance + 1 }, (_, i) => {
    const offset = i - distance;
    return (offset > 0 ? half : 0) + bucketOf(Math.abs(offset));
  });
}

/**
 * Adds the bias of attention by relative positions.
 * @param table float32 [buckets, heads]
 * @param tokenIds int64 [batch, length]
 * @param maxTokens largest length
 * @returns float32 [1, heads, length, length]
 */
export function relativePositionBias(
  graph: GraphBuilder,
  table: Value,
  buckets: RelativeBuckets,
  tokenIds: Value,
  maxTokens: number,
): Value {
  const one = graph.integers([1]);
  const length = graph.op('Slice', [graph.op('Shape', [tokenIds]), one, graph.integers([2])]);
  // The buckets of all offsets that occur: those of the middle of the constant.
  const all = graph.integerTable('relative_buckets', relativeBuckets(buckets, maxTokens));
  const middle = graph.integers([maxTokens]);
  const start = graph.op('Add', [graph.op('Sub', [middle, length]), one]);
  const used = graph.op('Slice', [all, start, graph.op('Add', [middle, length])]);
  const byOffset = graph.op('Transpose', [graph.op('Gather', [table, used])], { perm: { ints: [1, 0] } });
  // Offsets of keys from queries, counted from the smallest.
  const positions = graph.op('Range', [
    graph.op('Squeeze', [graph.integers([0])]),
    graph.op('Squeeze', [length]),
    graph.op('Squeeze', [one]),
  ]);
  const keys = graph.op('Unsqueeze', [positions, graph.integers([0])]);
  const queries = graph.op('Unsqueeze', [positions, one]);
  const last = graph.op('Sub', [length, one]);
  const offsets = graph.op('Add', [graph.op('Sub', [keys, queries]), last]);
  return graph.op('Unsqueeze', [graph.op('Gather', [byOffset, offsets], { axis: { int: 1 } }), graph.integers([0])]);
}
