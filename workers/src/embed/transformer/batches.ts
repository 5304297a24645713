/**
 * Groups sequences into batches of at most `batchTokens` tokens, padding included. Sorts by length, longest first, which minimizes
 * padding and makes a machine with too little memory fail at once.
 * @param tokenCounts token count of each sequence
 * @param batchTokens 0: every sequence is a batch
 * @returns indices into `tokenCounts`
 */
export function planBatches(tokenCounts: readonly number[], batchTokens: number): number[][] {
  const order = tokenCounts.map((_, i) => i).sort((a, b) => tokenCounts[b]! - tokenCounts[a]! || a - b);
  const batches: number[][] = [];
  for (const index of order) {
    const batch = batches.at(-1);
    // The first of a batch is the longest: all are padded to it.
    if (batch && (batch.length + 1) * tokenCounts[batch[0]!]! <= batchTokens) batch.push(index);
    else batches.push([index]);
  }
  return batches;
}
