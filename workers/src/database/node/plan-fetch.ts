import type { TableFile } from '../../lance/table-files.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import type { CatalogEntry } from '../catalog/catalog-entry.ts';
import type { NeededParts } from '../node-tables.ts';

/** A data file that is fetched without its vectors. */
export interface SparseFile {
  path: string;
  bytes: number;
  /** The range of the vectors. */
  hole: { start: number; end: number };
  /** Checksum of what is around the hole. */
  checksum: string;
}

/** What a search fetches of a table on S3. Paths are relative to the database. */
export interface PlannedFetch {
  /** The entry, with the files and partitions that are fetched. */
  entry: CatalogEntry;
  /** Files that are fetched whole. */
  whole: TableFile[];
  /** Data files that are fetched without their vectors; undefined: none. */
  sparse: SparseFile[] | undefined;
  /** To be fetched in all. */
  bytes: number;
}

/** Returns what is fetched of a table for the parts that a search needs. */
export function planFetch(entry: CatalogEntry, parts: NeededParts): PlannedFetch {
  const { bucket, partitions, ...rest } = entry;
  const sparse = parts.vectors ? undefined : filesWithoutVectors(entry);
  const kept = new Set(entry.fragments?.map(({ columns }) => columns));
  const isData = (path: string) => path.startsWith('data/') && !kept.has(path);
  // Readers do not need transactions, and other clients remove them.
  const files = entry.files.filter(
    ({ path }) =>
      isData(path) ||
      (parts.columns && kept.has(path)) ||
      /^_(versions|deletions)\//.test(path) ||
      (parts.index && path.startsWith('_indices/')),
  );
  const whole = files
    .filter(({ path }) => !(sparse && isData(path)))
    .map((file) => ({ ...file, path: `${bucket}.lance/${file.path}` }));
  const fetchesPartitions = parts.partitions && partitions !== undefined;
  if (fetchesPartitions) whole.push(partitions);
  const bytes =
    whole.reduce((sum, file) => sum + file.bytes, 0) +
    (sparse ?? []).reduce((sum, { bytes: size, hole }) => sum + size - (hole.end - hole.start), 0);
  return { entry: { bucket, ...rest, ...(fetchesPartitions ? { partitions } : {}), files }, whole, sparse, bytes };
}

/** Data files with the ranges of their vectors; undefined where the catalog lacks a range, or the checksum of the rest of a file. */
function filesWithoutVectors({
  bucket,
  dimension,
  vectorType,
  files,
  fragments,
}: CatalogEntry): SparseFile[] | undefined {
  const byPath = new Map(fragments?.map((fragment) => [fragment.path, fragment]));
  const around: SparseFile[] = [];
  const kept = new Set(fragments?.map(({ columns }) => columns));
  for (const { path, bytes } of files.filter((file) => file.path.startsWith('data/') && !kept.has(file.path))) {
    const { rows, offset, checksum } = byPath.get(path) ?? {};
    if (rows === undefined || offset === undefined || checksum === undefined) return undefined;
    const hole = { start: offset, end: offset + rows * dimension * COMPONENT_BYTES[vectorType] };
    around.push({ path: `${bucket}.lance/${path}`, bytes, hole, checksum });
  }
  return around;
}
