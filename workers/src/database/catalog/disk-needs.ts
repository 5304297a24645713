import { COMPONENT_BYTES, type VectorType } from '../../vectors/vector-type.ts';
import type { PlanSource } from './bucket-plan.ts';
import type { IndexDescription } from './catalog-entry.ts';

/** Bytes of an id and its offset; ids of UniProt have up to 30 characters. lib/Resources.groovy has the same figure. */
export const ID_BYTES = 32;
/** LanceDB sorts the codes of an index that it trains itself through temporary files. */
const TRAINED_COPIES = 3;

/** Returns the bytes of the kept columns of a bucket, before they are compressed. */
export function keptBytes(sources: readonly PlanSource[]): number {
  return sources.reduce((sum, { start, end, rows, columnBytes = 0, values = {} }) => {
    const valueBytes = Object.values(values).reduce((bytes, value) => bytes + Buffer.byteLength(value), 0);
    return sum + (end - start) * (columnBytes / rows + valueBytes);
  }, 0);
}

/**
 * Returns the disk bytes needed to build a table of `rows` vectors: the table, and the runs of the sort, which are as large.
 * @param columnBytes of all kept columns
 */
export function ingestDiskBytes(
  rows: number,
  dimension: number,
  { vectorType, order }: { vectorType: VectorType; order: 'partition' | 'none' },
  columnBytes = 0,
): number {
  const copies = order === 'partition' ? 2 : 1;
  return copies * (rows * (dimension * COMPONENT_BYTES[vectorType] + ID_BYTES) + columnBytes);
}

/** Returns the disk bytes needed to build an index, without its table. */
export function indexDiskBytes(index: IndexDescription, rows: number, dimension: number): number {
  if (index.kind === 'none') return 0;
  const codeBytes = index.kind === 'ivf-rq' ? dimension / 8 + 16 : (index.subVectors ?? dimension) + 8;
  const once = Math.ceil(rows * codeBytes + index.partitions * dimension * COMPONENT_BYTES.float32);
  return index.centroids === 'order' ? once : TRAINED_COPIES * once;
}
