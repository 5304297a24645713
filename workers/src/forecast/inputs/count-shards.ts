import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { openShard } from '../../shard/shard-reader.ts';
import { otherShardDimension } from '../forecast-messages.ts';
import type { VectorInputs } from '../run-request.ts';
import type { InputFile } from './list-inputs.ts';

/** Shards whose headers are read: all, or as many as this, spread over the list. */
const MOST_OPENED = 48;
const OPENED_AT_ONCE = 4;
const SAMPLED_IDS = 64;
/** lib/ShardBatches.groovy: means of a task that describes shards. */
const MEAN_SHARDS = 250;
const MEAN_BYTES = 500_000_000;

/**
 * Counts the vectors of shards from their headers. Of more than MOST_OPENED, only some are opened; the sizes of the files tell the rows
 * of the others.
 * @throws DataError for a file that is not a shard
 */
export async function countShards(files: readonly InputFile[]): Promise<VectorInputs & { isSampled: boolean }> {
  const isSampled = files.length > MOST_OPENED;
  const chosen = isSampled
    ? Array.from({ length: MOST_OPENED }, (_, i) => files[Math.floor(((i + 0.5) * files.length) / MOST_OPENED)]!)
    : files;
  const headers = await mapConcurrently(chosen, OPENED_AT_ONCE, async ({ path, bytes }) => {
    const shard = await openShard(path);
    try {
      const { rows, dimension, vectorType } = shard;
      const sampled = Math.min(rows, SAMPLED_IDS);
      const ids = await shard.readIds(0, sampled);
      return { path, bytes, rows, dimension, vectorType, idBytes: ids.bytes.length / Math.max(1, sampled) };
    } finally {
      shard.close();
    }
  });
  const first = headers[0]!;
  const other = headers.find(({ dimension }) => dimension !== first.dimension);
  if (other) throw otherShardDimension(other.path, other.dimension, first);
  const sum = (of: (header: { bytes: number; rows: number }) => number) =>
    headers.reduce((total, one) => total + of(one), 0);
  const bytes = files.reduce((total, file) => total + file.bytes, 0);
  const rows = Math.max(1, Math.round((sum((one) => one.rows) * bytes) / sum((one) => one.bytes)));
  return {
    ...{ shards: files.length, rows, bytes, dimension: first.dimension, vectorType: first.vectorType, isSampled },
    describeTasks: describeTasks(files.length, bytes),
    idBytes: headers.reduce((total, one) => total + one.idBytes, 0) / headers.length,
  };
}

/** Returns the tasks that describe shards. */
export function describeTasks(shards: number, bytes: number): number {
  return Math.max(1, Math.min(shards, Math.round(Math.max(shards / MEAN_SHARDS, bytes / MEAN_BYTES))));
}
