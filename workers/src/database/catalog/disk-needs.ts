import { COMPONENT_BYTES, type VectorType } from '../../vectors/vector-type.ts';
import type { IndexDescription } from './catalog-entry.ts';

/** Bytes of an id and its offset; ids of UniProt have up to 30 characters. lib/Resources.groovy has the same figure. */
export const ID_BYTES = 32;
/** LanceDB sorts the codes of an index that it trains itself through temporary files. */
const TRAINED_COPIES = 3;

/** Returns the disk bytes needed to build a table of `rows` vectors: the table, and the runs of the sort, which are as large. */
export function ingestDiskBytes(
  rows: number,
  dimension: number,
  { vectorType, order }: { vectorType: VectorType; order: 'partition' | 'none' },
): number {
  const copies = order === 'partition' ? 2 : 1;
  return copies * rows * (dimension * COMPONENT_BYTES[vectorType] + ID_BYTES);
}

/** Returns the disk bytes needed to build an index, without its table. */
export function indexDiskBytes(index: IndexDescription, rows: number, dimension: number): number {
  if (index.kind === 'none') return 0;
  const codeBytes = index.kind === 'ivf-rq' ? dimension / 8 + 16 : (index.subVectors ?? dimension) + 8;
  const once = Math.ceil(rows * codeBytes + index.partitions * dimension * COMPONENT_BYTES.float32);
  return index.centroids === 'order' ? once : TRAINED_COPIES * once;
}
