import { availableParallelism } from 'node:os';
import type { CommandContext } from '../app/command.ts';
import { requireWhole } from '../app/option-checks.ts';
import { buildWorkOption, threadsOption } from '../app/shared-options.ts';
import type { Database } from '../database/database.ts';
import { INDEX_KINDS, type IndexKind } from '../index/index-plan.ts';
import { type RebuildOptions, rebuildBuckets } from './rebuild-buckets.ts';
import { withReplacements } from './replacement.ts';
import { replacedBy } from './upkeep-messages.ts';

/** Options of the commands that write buckets again, beside `database`. */
export const rebuildOptions = {
  index: {
    choices: INDEX_KINDS,
    describe: 'Kind of the new index. Default: that of the old bucket, or of the first one',
  },
  work: buildWorkOption,
  threads: threadsOption,
};

/** Values of `database` and `rebuildOptions`. */
interface RebuildArguments {
  database: string;
  index?: IndexKind | undefined;
  work?: string | undefined;
  threads?: number | undefined;
}

/** Buckets that one new bucket will replace. */
export interface RebuildGroup {
  buckets: readonly string[];
  /** These two: see `RebuildOptions`. */
  open?: RebuildOptions['open'];
  isAdopted?: boolean;
}

/** New buckets, and their rows and bytes. */
export interface RebuiltGroups {
  rows: number;
  bytes: number;
  made: { bucket: string; replaced: readonly string[] }[];
}

/**
 * Writes the rows of each group of buckets into a new one, which replaces them.
 * @param choose chooses the groups while no other process replaces buckets
 * @throws as `rebuildBuckets` and `withReplacements`
 */
export async function rebuildGroups(
  { database: uri, work, index, threads = availableParallelism() }: RebuildArguments,
  choose: (database: Database) => Promise<readonly RebuildGroup[]>,
  context: CommandContext,
): Promise<RebuiltGroups> {
  requireWhole('threads', threads);
  const result: RebuiltGroups = { rows: 0, bytes: 0, made: [] };
  await withReplacements(uri, work, async (database, lost) => {
    for (const { buckets, ...group } of await choose(database)) {
      const options = { threads, lost, index, ...group };
      const { bucket, rows, bytes } = await rebuildBuckets(database, buckets, options, context);
      context.log(replacedBy(buckets, bucket));
      result.rows += rows;
      result.bytes += bytes;
      result.made.push({ bucket, replaced: buckets });
    }
  });
  return result;
}
