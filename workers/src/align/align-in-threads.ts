import { DataError } from '../base/errors.ts';
import { quoteId } from '../base/text/quote.ts';
import type { ThreadPool } from '../base/threads/thread-pool.ts';
import { hitRows, neighbourBuffers } from '../hits/columns.ts';
import type { AlignedChunk, Chunk } from './align-columns.ts';
import { ALIGN_MESSAGES } from './align-messages.ts';
import type { AlignMethods } from './align-worker.ts';
import type { QuerySequences } from './query-sequences.ts';
import type { QueryRows } from './read-chunks.ts';

/** Chunks that are read or wait to be written, for each thread: enough that no thread waits for a slow one. */
const CHUNKS_PER_THREAD = 4;

/**
 * Aligns chunks in threads, in their order.
 * @param files of the queries, for messages @param onRows called with the count of neighbours that were aligned since the last call
 * @throws DataError for a query without a sequence
 */
export async function* alignInThreads(
  pool: ThreadPool<AlignMethods>,
  chunks: AsyncIterable<QueryRows>,
  queries: QuerySequences,
  files: readonly string[],
  onRows: (rows: number) => void,
): AsyncGenerator<AlignedChunk> {
  const running: Promise<AlignedChunk>[] = [];
  for await (const { neighbours, queryIds } of chunks) {
    // Copies: a view would take the residues of all queries along.
    const residues = queryIds.map((id) => requireQuery(queries, id, files).slice());
    const chunk: Chunk = { neighbours, queries: residues };
    const rows = hitRows(neighbours);
    const aligned = pool.run('align', chunk, { transfer: neighbourBuffers(neighbours) }).then((result) => {
      onRows(rows);
      return result;
    });
    aligned.catch(() => {}); // awaited below
    running.push(aligned);
    if (running.length >= CHUNKS_PER_THREAD * pool.threads.length) yield await running.shift()!;
  }
  for (const aligned of running) yield await aligned;
}

function requireQuery(queries: QuerySequences, id: Uint8Array, files: readonly string[]) {
  const residues = queries.find(id);
  if (residues === undefined) throw new DataError(ALIGN_MESSAGES.noQuery(quoteId(id), files));
  return residues;
}
