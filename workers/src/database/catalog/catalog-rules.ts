import { counted } from '../../base/text/counted.ts';
import { manifestName } from '../../lance/format/manifest-file.ts';
import type { TableManifest } from '../../lance/format/table-manifest.ts';
import { featureCount } from '../../vectors/significance/linear-form.ts';
import { hasFeatures } from '../../vectors/significance/null-distances.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import type { PlanSource } from './bucket-plan.ts';
import { type CatalogEntry, type FragmentFile, storedRows, type TableDescription } from './catalog-entry.ts';

// Rules between the fields of a catalog entry or ingest record. Each function describes the first contradiction, or returns undefined.

/** Finds a contradiction between the fields of a catalog entry. */
export function contradictionOfEntry(entry: CatalogEntry): string | undefined {
  const { files, bytes, metric, index, tableVersion } = entry;
  const sum = files.reduce((total, file) => total + file.bytes, 0);
  if (bytes !== sum) return `"bytes" is ${bytes}, but the sizes in "files" add up to ${sum}`;
  if (index.metric !== metric) return `"index.metric" is "${index.metric}", but "metric" is "${metric}"`;
  const manifests = files.filter(({ path }) => path.startsWith('_versions/'));
  if (manifests.length !== 1) return `"files" has ${manifests.length} manifests; it must have one`;
  if (!manifestNames(tableVersion).includes(manifests[0]!.path))
    return `"tableVersion" is ${tableVersion}, but its manifest is ${JSON.stringify(manifests[0]!.path)}`;
  return contradictionOfTable(entry, entry.sources, '') ?? contradictionOfIndex(entry) ?? contradictionOfNulls(entry);
}

/** Returns the possible paths of a version's manifest in Lance: a number by which the newest sorts first, or, in earlier releases, the version. */
export function manifestNames(version: number): string[] {
  return [manifestName(version), `_versions/${version}.manifest`];
}

/** What both a table's description and a catalog entry say about a table. */
type DescribedTable = Pick<
  TableDescription,
  'rows' | 'dimension' | 'vectorType' | 'fragments' | 'columns' | 'partitions' | 'files'
> &
  Partial<Pick<CatalogEntry, 'deletedRows' | 'revision'>>;

/** Finds a contradiction between the fields of a table's description. @param prefix of the fields' names in the message */
export function contradictionOfTable(
  table: DescribedTable,
  sources: readonly PlanSource[],
  prefix: string,
): string | undefined {
  const { rows, partitions, files, revision } = table;
  const stored = storedRows(table);
  const sourceRows = sources.reduce((sum, { start, end }) => sum + end - start, 0);
  const expected = sourceRows - (revision?.removedRows ?? 0) + (revision?.addedRows ?? 0);
  if (rows !== expected)
    return revision
      ? `"${prefix}rows" is ${rows}, but "sources" and "revision" add up to ${expected}`
      : `"${prefix}rows" is ${rows}, but "sources" add up to ${sourceRows}`;
  if (partitions && partitions.count > stored)
    return `"${prefix}partitions.count" is ${partitions.count}; it must be at most "rows", ${stored}`;
  const repeated = files && firstRepeated(files.map(({ path }) => path));
  if (repeated !== undefined) return `"${prefix}files" has ${JSON.stringify(repeated)} twice`;
  return contradictionOfFragments(table, prefix);
}

function contradictionOfFragments(table: DescribedTable, prefix: string): string | undefined {
  const { dimension, vectorType, fragments, columns = [], files } = table;
  if (!fragments) return undefined;
  const stored = storedRows(table);
  const field = `${prefix}fragments`;
  const sum = fragments.reduce((total, fragment) => total + fragment.rows, 0);
  if (sum !== stored) return `the rows in "${field}" add up to ${sum}, but "${prefix}rows" is ${stored}`;
  const paths = fragments.flatMap((fragment) => pathsOf(fragment));
  const repeated = firstRepeated(paths);
  if (repeated !== undefined) return `"${field}" has ${JSON.stringify(repeated)} twice`;
  const other = fragments.findIndex((fragment) => (fragment.columns !== undefined) !== columns.length > 0);
  if (other >= 0)
    return `"${field}[${other}]" has ${columns.length > 0 ? 'no' : 'a'} file of columns, but "${prefix}columns" has ${columns.length}`;
  if (!files) return undefined;
  const sizes = new Map(files.map(({ path, bytes }) => [path, bytes]));
  const dataFiles = files.filter(({ path }) => path.startsWith('data/')).length;
  if (dataFiles !== paths.length)
    return `"${field}" has ${counted(paths.length, 'file')}, but "${prefix}files" has ${dataFiles} in data/`;
  for (const [i, { path, rows: count, offset, columns: kept }] of fragments.entries()) {
    if (kept !== undefined && !sizes.has(kept))
      return `"${field}[${i}].columns" is ${JSON.stringify(kept)}, which is no data file in "${prefix}files"`;
    const size = sizes.get(path);
    if (size === undefined)
      return `"${field}[${i}].path" is ${JSON.stringify(path)}, which is no data file in "${prefix}files"`;
    const end = offset + count * dimension * COMPONENT_BYTES[vectorType];
    if (end > size)
      return `"${field}[${i}].offset" is ${offset}: ${counted(count, 'vector')} of ${counted(dimension, 'component')} would end at byte ${end} of ${size}`;
  }
  return undefined;
}

function contradictionOfIndex(entry: CatalogEntry): string | undefined {
  const { dimension, index, partitions } = entry;
  const rows = storedRows(entry);
  const { kind, centroids, subVectors } = index;
  if ((kind === 'none') !== (index.partitions === 0))
    return `"index.partitions" is ${index.partitions}, but "index.kind" is "${kind}"`;
  if (index.partitions > rows) return `"index.partitions" is ${index.partitions}; it must be at most "rows", ${rows}`;
  if (centroids === 'order' && partitions?.count !== index.partitions)
    return `"index.partitions" is ${index.partitions}, but "partitions.count" is ${partitions?.count ?? 'missing'}`;
  if (subVectors !== undefined && (kind !== 'ivf-pq' || dimension % subVectors !== 0))
    return `"index.subVectors" is ${subVectors}; it must divide "dimension", ${dimension}, and needs index kind ivf-pq`;
  return undefined;
}

function contradictionOfNulls({ nullDistances, metric, dimension }: CatalogEntry): string | undefined {
  if (!nullDistances || hasFeatures(nullDistances, featureCount(metric, dimension))) return undefined;
  return `"nullDistances.mean" and "nullDistances.factors" do not have ${counted(featureCount(metric, dimension), 'feature')} each`;
}

/** Lance's name for the type of a component. */
const COMPONENT_TYPE = { float32: 'float', float16: 'halffloat' } as const;
/** Lance's name for the type of a kept column. */
const COLUMN_TYPE = { utf8: 'string', int64: 'int64', float64: 'double' } as const;

/** Finds a contradiction between a catalog entry and the manifest of its table's version. */
export function contradictionOfManifest(entry: CatalogEntry, manifest: TableManifest): string | undefined {
  const { rows, deletedRows = 0, dimension, vectorType, fragments, columns = [], tableVersion } = entry;
  if (manifest.version !== tableVersion)
    return `"tableVersion" is ${tableVersion}, but the table's manifest is of version ${manifest.version}`;
  const type = manifest.columns.get('embedding')?.type;
  const expected = `fixed_size_list:${COMPONENT_TYPE[vectorType]}:${dimension}`;
  if (type !== expected)
    return `"dimension" is ${dimension} and "vectorType" is "${vectorType}", but the table's vectors are ${type}`;
  const wrong = columns.find((column) => manifest.columns.get(column.name)?.type !== COLUMN_TYPE[column.type]);
  if (wrong)
    return `"columns" has ${wrong.name} as ${wrong.type}, but the table has it as ${manifest.columns.get(wrong.name)?.type ?? 'no column'}`;
  const sum = manifest.fragments.reduce((total, fragment) => total + fragment.rows, 0);
  if (sum !== rows + deletedRows) return `"rows" is ${rows}, but the table has ${sum - deletedRows}`;
  const deleted = manifest.fragments.reduce((total, { deletions }) => total + (deletions?.rows ?? 0), 0);
  if (deleted !== deletedRows) return `"deletedRows" is ${deletedRows}, but ${deleted} of the table are deleted`;
  if (!fragments) return undefined;
  if (fragments.length !== manifest.fragments.length)
    return `"fragments" has ${counted(fragments.length, 'file')}, but the table has ${manifest.fragments.length}`;
  for (const [i, fragment] of fragments.entries()) {
    const { path, rows: count } = fragment;
    // LanceDB's row ids contain the position in this list.
    const { id, rows: has, files } = manifest.fragments[i]!;
    if (id !== i || files.map((file) => `data/${file.path}`).join() !== pathsOf(fragment).join())
      return `"fragments[${i}].path" is ${JSON.stringify(path)}, but fragment ${id} of the table is ${JSON.stringify(files.map((file) => `data/${file.path}`).join(', '))}`;
    if (has !== count) return `"fragments[${i}].rows" is ${count}, but the table has ${has} there`;
  }
  return undefined;
}

/** Returns the data files of a fragment: vectors and ids, then its kept columns. */
function pathsOf({ path, columns }: FragmentFile): string[] {
  return columns === undefined ? [path] : [path, columns];
}

function firstRepeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}
