import { stat } from 'node:fs/promises';
import type { CommandContext } from '../app/command.ts';
import { EXIT, toUserError, UserError, withFileName } from '../base/errors.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import { type DescribeOptions, writeShardDescription } from './description-file.ts';
import { unusableShards } from './shard-messages.ts';

/** Maximum number of unusable shards that are reported together; reading each may take seconds. */
const MAX_PROBLEMS = 10;

export interface ShardToDescribe {
  path: string;
  /** Its name in plans and messages. */
  name: string;
  /** Path of the description to write. */
  output: string;
}

/**
 * Describes shards one after another. Continues after an unusable one, to report all of them at once.
 * @returns total row count, and byte count of the descriptions; the content hash of a single shard
 * @throws DataError that names the unusable shards
 */
export async function describeShards(
  shards: readonly ShardToDescribe[],
  context: Pick<CommandContext, 'progress'>,
  options: DescribeOptions = {},
): Promise<{ rows: number; bytes: number; shards: number; contentHash?: string }> {
  const sum = { rows: 0, bytes: 0, shards: shards.length };
  const problems: UserError[] = [];
  let hash = {};
  for (const shard of shards) {
    if (problems.length === MAX_PROBLEMS) break;
    try {
      const { rows, contentHash, bytes } = await writeAtomically(shard.output, async (temporary) => {
        const described = await writeShardDescription(shard.path, shard.name, temporary, context, options);
        return { ...described, bytes: (await stat(temporary)).size };
      });
      sum.rows += rows;
      sum.bytes += bytes;
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
    const texts = problems.map(({ message }) => message);
    throw unusableShards(texts, shards.length, problems.length < MAX_PROBLEMS);
  }
  return { ...sum, ...hash };
}
