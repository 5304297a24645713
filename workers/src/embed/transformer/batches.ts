/**
 * Groups work into batches of at most `batchTokens` tokens, padding included: sorted by length, the longest
 * first, so that little is padding and a machine with too little memory fails at once.
 * @param tokenCounts tokens of each piece of work
 * @param batchTokens 0: every piece is a batch of its own
 * @returns indices into `tokenCounts`
 */
export function planBatches(tokenCounts: readonly number[], batchTokens: number): number[][] {
  const order = tokenCounts.map((_, i) => i).sort((a, b) => tokenCounts[b]! - tokenCounts[a]! || a - b);
  const batches: number[][] = [];
  for (const index of order) {
    const batch = batches.at(-1);
    // The first of a batch is its longest: all are padded to it.
    if (batch && (batch.length + 1) * tokenCounts[batch[0]!]! <= batchTokens) batch.push(index);
    else batches.push([index]);
  }
  return batches;
}
