/** What planning knows of an input. */
export interface MergeInput {
  path: string;
  rows: number;
  /** Memory that reading it takes. */
  readBytes: number;
}

/** One pass over the inputs: each group is merged by one thread. */
export interface MergePass {
  groups: string[][];
  /** Whether the groups can all be open at once, so that their merge is the result. */
  last: boolean;
}

/**
 * Divides the inputs so that `threads` groups, read at once, take about `memoryBytes` at most. Where one
 * pass cannot do that, its groups are to be merged into files, which are the inputs of another pass: each
 * keeps k rows a query, so the passes that follow are small.
 */
export function planPass(inputs: readonly MergeInput[], threads: number, memoryBytes: number): MergePass {
  const total = inputs.reduce((sum, { readBytes }) => sum + readBytes, 0);
  const needed = Math.ceil((total * threads) / memoryBytes);
  const last = needed <= threads || inputs.length <= 2 * threads;
  const count = Math.min(last ? threads : Math.min(needed, Math.ceil(inputs.length / 2)), inputs.length);
  // Dealt like cards, largest first: every group gets about the same number of rows.
  const dealt = [...inputs].sort((a, b) => b.rows - a.rows || (a.path < b.path ? -1 : 1));
  const groups = Array.from({ length: count }, (_, group) =>
    dealt.filter((_, i) => i % count === group).map(({ path }) => path),
  );
  return { groups, last };
}
