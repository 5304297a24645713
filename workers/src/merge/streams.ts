import type { HitColumns, NeighbourColumns } from '../hits/columns.ts';
import type { ExtraField } from '../hits/extra-column.ts';
import { mergeHits, OUTPUT_LIMITS } from '../hits/merge.ts';

/**
 * Merges streams of batches with `mergeHits`. Always closes all streams at the end.
 * @param extra columns to carry
 * @throws OrderError, and the streams' errors
 */
export async function* mergeStreams(
  streams: readonly AsyncIterator<HitColumns>[],
  k: number,
  extra: readonly ExtraField[] = [],
): AsyncGenerator<NeighbourColumns, void, void> {
  const merge = mergeHits(streams.length, k, OUTPUT_LIMITS, extra);
  try {
    let step = merge.next();
    while (!step.done) {
      if (typeof step.value === 'number') {
        const next = await streams[step.value]!.next();
        step = merge.next(next.done ? undefined : next.value);
      } else {
        yield step.value;
        step = merge.next();
      }
    }
  } finally {
    await Promise.allSettled(streams.map((stream) => stream.return?.()));
  }
}

/** Starts all streams at once, so that they prepare their first batches concurrently. */
export function startAll<T>(streams: readonly AsyncGenerator<T, unknown, void>[]): AsyncIterator<T>[] {
  return streams.map((stream) => {
    let first: Promise<IteratorResult<T, unknown>> | undefined = stream.next();
    first.catch(() => {}); // `next` rejects
    return {
      next() {
        const result = first ?? stream.next();
        first = undefined;
        return result;
      },
      return: () => stream.return(undefined),
    };
  });
}
