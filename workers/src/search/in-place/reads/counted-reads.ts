import type { AnnQuery, OpenBucket, PartialCopy } from '../../../bucket/open-bucket.ts';
import { COMPONENT_BYTES } from '../../../vectors/vector-type.ts';
import { codeBytesOf } from '../search-needs.ts';
import type { ReadCounts } from './counted-tables.ts';
import { canReadSparsely, openSparseTable, type SparseTable } from './sparse-table.ts';

/** Requests of LanceDB for the codes of a partition: one a column. */
const REQUESTS_OF_PARTITION = 4;

/** Reads of the index of a bucket in place, which are counted. */
export interface CountedReads extends PartialCopy {
  /** Requests that LanceDB made itself. They are estimated: codes of the probed partitions, and rows that are rescored. */
  estimatedRequests: number;
  /** Of the own reads, added up over queries that are searched at once. */
  milliseconds: SparseTable['milliseconds'];
  /** Bytes on this machine. */
  keptBytes(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Counts the reads of queries of a bucket on S3, which are answered from the parts that they need (docs/adr/0039).
 * @param counts of the bucket's tables, to which estimates are added
 */
export function countedReads(bucket: OpenBucket, counts: ReadCounts): CountedReads | undefined {
  if (bucket.database.tables.folder !== undefined) return undefined;
  const isOwn = canReadSparsely(bucket);
  let opening: Promise<SparseTable> | undefined;
  const none = { centroids: 0, codes: 0, rescoring: 0 };
  const open = async () => {
    opening ??= openSparseTable(bucket);
    const sparse = await opening.catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    reads.milliseconds = sparse.milliseconds;
    return sparse;
  };
  const readByLance = (query: AnnQuery) => {
    const { requests, bytes } = estimateReads(bucket, query);
    counts.requests += requests;
    counts.bytes += bytes;
    reads.estimatedRequests += requests;
    return undefined;
  };
  const reads: CountedReads = {
    estimatedRequests: 0,
    milliseconds: none,
    answer: async (query) => (isOwn ? (await open()).answer(query) : undefined),
    async prepare(query) {
      if (!isOwn) return readByLance(query);
      const sparse = await open();
      return (await sparse.prepare(query)) ? sparse.table : readByLance(query);
    },
    keptBytes: async () => (await opening?.then((sparse) => sparse.filledBytes())) ?? 0,
    async close() {
      await opening?.then((sparse) => sparse.close());
    },
  };
  return reads;
}

/** Estimates what LanceDB reads for a query, at the least. */
function estimateReads({ entry }: OpenBucket, { nprobes, limit, refineFactor }: AnnQuery): ReadCounts {
  const { rows, dimension, vectorType, index } = entry;
  const partitions = Math.min(nprobes, index.partitions);
  const probedRows = Math.ceil((rows * partitions) / Math.max(1, index.partitions));
  const rescored = Math.min(probedRows, limit * refineFactor);
  return {
    requests: REQUESTS_OF_PARTITION * partitions + Math.max(rescored, Math.min(limit, probedRows)),
    bytes: probedRows * codeBytesOf(entry) + rescored * dimension * COMPONENT_BYTES[vectorType],
  };
}
