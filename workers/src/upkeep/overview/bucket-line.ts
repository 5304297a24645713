import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { TableState } from '../../database/table-change.ts';

/** What an overview needs of a bucket: its entry without the lists of files, and the state of its table. */
export interface BucketLine
  extends Pick<
    CatalogEntry,
    | 'bucket'
    | 'fingerprint'
    | 'replaces'
    | 'rows'
    | 'dimension'
    | 'vectorType'
    | 'metric'
    | 'bytes'
    | 'model'
    | 'columns'
    | 'created'
  > {
  deletedRows: number;
  index: Pick<CatalogEntry['index'], 'kind' | 'partitions'>;
  /** Partitions of the order of the rows; 0: they have the order of the shards. */
  orderPartitions: number;
  /** Whether hits of the bucket get E-values. */
  hasNullDistances: boolean;
  /** Changes by other clients; undefined where they were not asked for. */
  state: TableState | undefined;
}

/** Reduces an entry to what an overview needs. */
export function bucketLine(entry: CatalogEntry, state?: TableState): BucketLine {
  const { bucket, fingerprint, replaces, rows, dimension, vectorType, metric, bytes, model, columns, created } = entry;
  return {
    ...{ bucket, fingerprint, replaces, rows, dimension, vectorType, metric, bytes, model, columns, created, state },
    deletedRows: entry.deletedRows ?? 0,
    index: { kind: entry.index.kind, partitions: entry.index.partitions },
    orderPartitions: entry.partitions?.count ?? 0,
    hasNullDistances: entry.nullDistances !== undefined,
  };
}
