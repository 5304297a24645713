/** Does something with each item, so many at a time. @returns what it gave, in the order of the items; the first failure ends it */
export async function mapAtOnce<T, R>(
  items: readonly T[],
  atOnce: number,
  use: (item: T, position: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const position = next++;
      try {
        results[position] = await use(items[position]!, position);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return results;
}
