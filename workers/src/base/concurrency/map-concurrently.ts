/**
 * Calls `use` for each item, in order, at most `concurrency` at a time. After the first failure, no further calls start; the signal of the
 * running ones is aborted, and the failure is thrown when all of them have ended.
 * @param items read lazily, when a call starts
 * @returns the results in the order of the items
 */
export async function mapConcurrently<T, R>(
  items: Iterable<T>,
  concurrency: number,
  use: (item: T, index: number, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const abort = new AbortController();
  const remaining = enumerate(items);
  let failure: { error: unknown } | undefined;
  const work = async (): Promise<void> => {
    try {
      for (const [index, item] of remaining) results[index] = await use(item, index, abort.signal);
    } catch (error) {
      // Leaving the loop has closed `remaining` for all.
      failure ??= { error };
      abort.abort();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  if (failure) throw failure.error;
  return results;
}

function* enumerate<T>(items: Iterable<T>): Generator<[index: number, item: T], void, undefined> {
  let index = 0;
  for (const item of items) yield [index++, item];
}
