import { stat } from 'node:fs/promises';
import type { CommandContext } from '../app/command.ts';
import { DataError, EXIT, toUserError, UserError, withFileName } from '../base/errors.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import { writeShardDescription } from './description-file.ts';

/** Shards that are wrong are told together, up to this number: they may be many, and each may take seconds to give up. */
const MOST_PROBLEMS = 10;

export interface ShardToDescribe {
  path: string;
  /** What plans and messages call it. */
  name: string;
  /** Where its description is written. */
  output: string;
}

/**
 * Describes shards one after another, also those behind one that is wrong: so a build's user learns of all of them at once.
 * @returns rows and bytes of the descriptions together; the content hash where it is one shard
 * @throws DataError naming the shards that are wrong
 */
export async function describeShards(
  shards: readonly ShardToDescribe[],
  context: Pick<CommandContext, 'progress'>,
): Promise<{ rows: number; bytes: number; shards: number; contentHash?: string }> {
  const sum = { rows: 0, bytes: 0, shards: shards.length };
  const problems: UserError[] = [];
  let hash = {};
  for (const shard of shards) {
    if (problems.length === MOST_PROBLEMS) break;
    try {
      const { rows, contentHash } = await writeAtomically(shard.output, (temporary) =>
        writeShardDescription(shard.path, shard.name, temporary, context),
      );
      sum.rows += rows;
      sum.bytes += (await stat(shard.output)).size;
      if (shards.length === 1) hash = { contentHash };
    } catch (thrown) {
      const error = toUserError(thrown);
      if (!(error instanceof UserError)) throw error;
      const named = withFileName(error, shard.path, shard.name);
      if (named.exitCode !== EXIT.data) throw named;
      problems.push(named);
    }
  }
  if (problems.length === 1) throw problems[0];
  if (problems.length > 1) {
    const count = `${problems.length === MOST_PROBLEMS ? 'At least ' : ''}${problems.length} of ${shards.length} shards`;
    throw new DataError([`${count} cannot be used:`, ...problems.map(({ message }) => message)].join('\n'));
  }
  return { ...sum, ...hash };
}
