import type { CatalogEntry } from './catalog/catalog-entry.ts';

/** How other clients have changed a table since its bucket was entered in the catalog. */
export type TableState =
  /** Unchanged, according to the names of its versions. */
  | { kind: 'same' }
  /** Newer versions have the same rows: an index, another column, compacted files. */
  | { kind: 'newer'; version: number; operation: string }
  /** Other rows; the catalog's version still exists. */
  | { kind: 'changed'; version: number; operation: string }
  /** The catalog's version was removed after its files were compacted; the rows are the same. */
  | { kind: 'compacted'; version: number; operation: string }
  /** The catalog's version was removed, and newer ones exist. */
  | { kind: 'removed'; version: number }
  /** Another table with the same name. */
  | { kind: 'remade'; version: number }
  /** No table. */
  | { kind: 'missing' };

/** Describes a state in one cell of a table. */
export function describeState(state: TableState): string {
  switch (state.kind) {
    case 'same':
      return '-';
    case 'newer':
    case 'compacted':
      return `version ${state.version}, same rows (${state.operation})`;
    case 'changed':
      return `changed: version ${state.version} (${state.operation})`;
    case 'removed':
      return `changed: version ${state.version}, the catalog's was removed`;
    case 'remade':
      return `changed: version ${state.version} of another table`;
    case 'missing':
      return 'the table is missing';
  }
}

/** Describes why the catalog's version of a table cannot be searched; undefined if it can. */
export function describeChange(
  uri: string,
  { bucket, tableVersion }: CatalogEntry,
  state: TableState,
): string | undefined {
  const rebuild = `remove _catalog/${bucket}.json there and build the bucket again`;
  const by = `${uri}: ${bucket} was changed by another client`;
  const adopt = `To search its rows as they are now: lanceflow adopt --database ${uri} --bucket ${bucket}`;
  switch (state.kind) {
    case 'same':
    case 'newer':
    case 'compacted':
      return undefined;
    case 'changed':
      return (
        `${by}: version ${state.version}, the catalog has ${tableVersion} (${state.operation}). ${adopt}. ` +
        `To undo the change, restore version ${tableVersion} ` +
        `(in Python: lancedb.connect("${uri}").open_table("${bucket}").restore(${tableVersion})), or ${rebuild}.`
      );
    case 'removed':
      return (
        `${by}: version ${state.version}, the catalog has ${tableVersion}, which was removed (optimize or cleanup_old_versions). ` +
        `Its rows may differ. ${adopt}. Or ${rebuild}.`
      );
    case 'remade':
      return `${by}: version ${state.version} belongs to a new table of the same name, the catalog has version ${tableVersion} of the old one. ${adopt}. To replace it, ${rebuild}.`;
    case 'missing':
      return `${uri}: the table of ${bucket} is missing: another client removed it, or its files were deleted. Restore them, or ${rebuild}.`;
  }
}
