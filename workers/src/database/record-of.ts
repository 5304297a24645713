import { dataBytes } from '../lance/table-files.ts';
import type { CatalogEntry, IngestRecord, TableDescription } from './catalog/catalog-entry.ts';

/** Restores the ingest record of a bucket from its catalog entry. */
export function recordOf(entry: CatalogEntry): IngestRecord {
  const {
    bucket,
    sources,
    recipe,
    rows,
    dimension,
    vectorType,
    model,
    tableVersion,
    metric,
    fragments,
    columns,
    residues,
    partitions,
  } = entry;
  const table: TableDescription = {
    rows,
    dimension,
    vectorType,
    model,
    dataBytes: dataBytes(new Map(entry.files.map(({ path, bytes }) => [path, bytes]))),
    tableVersion,
    ...(fragments ? { fragments } : {}),
    ...(columns ? { columns } : {}),
    ...(residues === undefined ? {} : { residues }),
    ...(partitions ? { partitions } : {}),
    files: entry.files.filter(({ path }) => !path.startsWith('_indices/')),
  };
  return { version: 1, state: 'ingested', bucket, sources, metric, recipe, table, ingest: entry.steps.ingest };
}
