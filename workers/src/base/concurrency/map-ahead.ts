/**
 * Yields the results of `use` in the order of the items, while `use` runs for up to `count` items ahead. Unlike `mapConcurrently`, it keeps
 * only these results in memory. A failure is thrown where its result would be yielded.
 */
export async function* mapAhead<T, R>(
  items: Iterable<T>,
  count: number,
  use: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const waiting: Promise<R>[] = [];
  for (const item of items) {
    const result = use(item);
    // Thrown below; until then it is no unhandled rejection.
    result.catch(() => {});
    waiting.push(result);
    if (waiting.length > count) yield await waiting.shift()!;
  }
  for (const result of waiting) yield await result;
}
