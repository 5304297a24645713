/** The properties of an input that planning needs. */
export interface MergeInput {
  path: string;
  rows: number;
  /** Bytes of memory needed to read it. */
  readBytes: number;
}

/** One pass over the inputs: each group is merged by one thread. */
export interface MergePass {
  groups: string[][];
  /** Whether all groups can be open at once, so that merging them gives the result. */
  last: boolean;
}

/**
 * Divides the inputs so that `threads` groups, read at once, need at most about `memoryBytes`. If one pass is not enough, its groups are
 * merged into files, which are the inputs of another pass. Each file keeps k rows per query, so later passes are small.
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
