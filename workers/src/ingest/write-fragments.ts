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
  write: (unit: UnitRequest, onEvent: (block: HashedBlock) => Promise<void>, number: number) => Promise<UnitAnswer<T>>,
): Promise<WrittenUnits<T>> {
  const bar = progress(`${label} ${bucket.bucket}`, bucket.rows, 'vectors');
  try {
    // The first failure is thrown at once, and ends the threads: others may wait for the unit that failed.
    const answers = await Promise.all(
      units.map(async (unit, number) => {
        const answer = await write(unit, (block) => hashes.add(block), number);
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

/** A data file with the name under which it is published. */
export interface NamedFragment extends WrittenFragment {
  name: string;
  keptColumns: (NonNullable<WrittenFragment['keptColumns']> & { name: string }) | undefined;
}

/** Takes a written data file. @param number in the order of the rows */
export type FinishFragment = (fragment: WrittenFragment, number: number) => Promise<NamedFragment>;

/** Gathers the fragments of a sorted table from its runs, in threads. @param finish called with each as soon as it is written */
export async function gatherFragments(
  { bucket, unitRows, pool }: TableWork,
  sorted: SortedRuns,
  finish: FinishFragment,
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<NamedFragment[]> {
  await pool.runInEach('startGathering', () => sorted);
  const bar = progress(`writing ${bucket.bucket}`, bucket.rows, 'vectors');
  try {
    const firsts = Array.from({ length: Math.ceil(bucket.rows / unitRows) }, (_, i) => i * unitRows);
    return await Promise.all(
      firsts.map(async (first, number) => {
        const written = await pool.run('gatherFragment', { first, end: Math.min(bucket.rows, first + unitRows) });
        bar.add(written.rows);
        return finish(written, number);
      }),
    );
  } finally {
    bar.stop();
  }
}
