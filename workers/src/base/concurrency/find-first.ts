/**
 * Calls `find` for each item, in order, at most `concurrency` at a time, until one has a result and all items before it have none. Later
 * items are not begun then; the signals of those that run are aborted, and what they throw is ignored.
 * @returns the result of the first item that has one; undefined if none has
 * @throws the error of an item before the first with a result
 */
export async function findFirst<T, R>(
  items: readonly T[],
  concurrency: number,
  find: (item: T, signal: AbortSignal) => Promise<R | undefined>,
): Promise<R | undefined> {
  const aborts = items.map(() => new AbortController());
  let next = 0;
  let first = items.length;
  let outcome: { result: R } | { error: unknown } | undefined;
  const decide = (index: number, one: { result: R } | { error: unknown }) => {
    if (index >= first) return;
    first = index;
    outcome = one;
    for (const later of aborts.slice(index + 1)) later.abort();
  };
  const work = async (): Promise<void> => {
    for (let index = next++; index < first; index = next++) {
      try {
        const result = await find(items[index]!, aborts[index]!.signal);
        if (result !== undefined) decide(index, { result });
      } catch (error) {
        decide(index, { error });
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  if (outcome && 'error' in outcome) throw outcome.error;
  return outcome?.result;
}
