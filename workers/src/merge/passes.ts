/** An input, as far as planning needs it. */
export interface MergeInput {
  path: string;
  rows: number;
  /** Bytes of memory that reading it takes. */
  readBytes: number;
}

/** One pass over the inputs: each group is merged by one thread. */
export interface MergePass {
  groups: string[][];
  /** Whether the groups can all be open at once, so that their merge is the result. */
  last: boolean;
}

/**
 * Divides the inputs so that `threads` groups, read at once, take about `memoryBytes` at most. Where one pass cannot do that, its
 * groups are merged into files, the inputs of another pass: each keeps k rows a query, so later passes are small.
 */
export function planPass(inputs: readonly MergeInput[], threads: number, memoryBytes: number): MergePass {
  const total = inputs.reduce((sum, { readBytes }) => sum + readBytes, 0);
  const groupsInMemory = Math.ceil((total * threads) / memoryBytes);
  const last = groupsInMemory <= threads || inputs.length <= 2 * threads;
  const count = Math.min(last ? threads : Math.min(groupsInMemory, Math.ceil(inputs.length / 2)), inputs.length);
  // Dealt like cards, largest first: every group gets about the same number of rows.
  const largestFirst = [...inputs].sort((a, b) => b.rows - a.rows || (a.path < b.path ? -1 : 1));
  const groups = Array.from({ length: count }, (_, group) =>
    largestFirst.filter((_, i) => i % count === group).map(({ path }) => path),
  );
  return { groups, last };
}
