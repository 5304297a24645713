import type { CatalogEntry } from '../../workers/src/database/catalog/catalog-entry.ts';

/** Returns the part of a catalog entry that describes the size of a bucket: 960 components, as the index `ivf-rq` divides it. */
export function bucketOf(rows: number, bucket = 'bucket_00001'): CatalogEntry {
  const partitions = Math.floor(Math.sqrt(rows));
  return {
    ...{ bucket, rows, dimension: 960, vectorType: 'float32', metric: 'cosine' },
    index: { kind: 'ivf-rq', metric: 'cosine', partitions, centroids: 'order', parameters: {} },
    bytes: rows * (960 * 4 + 160),
  } as Partial<CatalogEntry> as CatalogEntry;
}
