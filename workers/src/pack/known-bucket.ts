import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';

/** What packing needs of a catalog entry: a tenth of it, because a database may have ten thousand. */
export type KnownBucket = Pick<
  CatalogEntry,
  'bucket' | 'fingerprint' | 'rows' | 'dimension' | 'model' | 'columns' | 'sources' | 'replaces' | 'revision'
>;

/** Returns what packing needs of an entry. */
export function knownBucket(entry: CatalogEntry): KnownBucket {
  const { bucket, fingerprint, rows, dimension, model, columns, sources, replaces, revision } = entry;
  return { bucket, fingerprint, rows, dimension, model, columns, sources, replaces, revision };
}
