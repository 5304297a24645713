import type { CommandContext } from '../app/command.ts';
import type { ShardAttributes } from '../shard/shard.ts';
import type { UnitAnswer, WrittenFragment } from './passes/ingest-thread.ts';
import type { SortedRuns } from './passes/row-gatherer.ts';
import type { HashedBlock, UnitRequest } from './passes/run-reader.ts';
import type { TableWork } from './table-work.ts';

/** What was written of a bucket's units, in their order. */
export interface WrittenUnits<T> {
  written: T[];
  /** Attributes of the first shard that has any. */
  model: ShardAttributes;
}

/**
 * Reads and writes all units, in threads.
 * @param label of the progress bar
 * @param write calls a thread; `onEvent` handles what the thread emits
 */
export async function writeUnits<T extends { rows: number }>(
  { bucket, units, hashes }: TableWork,
  label: string,
  { progress }: Pick<CommandContext, 'progress'>,
  write: (unit: UnitRequest, onEvent: (block: HashedBlock) => Promise<void>) => Promise<UnitAnswer<T>>,
): Promise<WrittenUnits<T>> {
  const bar = progress(`${label} ${bucket.bucket}`, bucket.rows, 'vectors');
  try {
    // The first failure is thrown at once, and ends the threads: others may wait for the unit that failed.
    const answers = await Promise.all(
      units.map(async (unit) => {
        const answer = await write(unit, (block) => hashes.add(block));
        for (const { rows } of answer.written) bar.add(rows);
        return answer;
      }),
    );
    const model = answers.find(({ attributes }) => attributes !== undefined)?.attributes ?? {};
    return { written: answers.flatMap(({ written }) => written), model };
  } finally {
    bar.stop();
  }
}

/** Gathers the fragments of a sorted table from its runs, in threads. */
export async function gatherFragments(
  { bucket, unitRows, pool }: TableWork,
  sorted: SortedRuns,
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<WrittenFragment[]> {
  await pool.runInEach('startGathering', () => sorted);
  const bar = progress(`writing ${bucket.bucket}`, bucket.rows, 'vectors');
  try {
    const firsts = Array.from({ length: Math.ceil(bucket.rows / unitRows) }, (_, i) => i * unitRows);
    return await Promise.all(
      firsts.map(async (first) => {
        const written = await pool.run('gatherFragment', { first, end: Math.min(bucket.rows, first + unitRows) });
        bar.add(written.rows);
        return written;
      }),
    );
  } finally {
    bar.stop();
  }
}
