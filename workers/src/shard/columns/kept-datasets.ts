import type { Utf8Column } from '../../base/bytes/utf8-column.ts';
import { type Column, type ColumnType, isColumnName } from '../../base/columns/column-type.ts';
import { readTextAttribute } from '../attributes.ts';
import {
  chunkBytesOf,
  type DatasetHeader,
  readDatasetHeader,
  requireAllRows,
  requireReadableFilters,
} from '../hdf5/dataset-check.ts';
import { nameFloatType } from '../hdf5/float-type.ts';
import type { H5Metadata, H5Module } from '../hdf5/h5wasm.ts';
import type { OpenFile, OpenFiles } from '../hdf5/locate.ts';
import { badColumnName, columnOfOtherLength, columnOfOtherType } from './column-messages.ts';
import { type Keep, WRITTEN_COLUMNS } from './keep.ts';
import { numberReader } from './number-reader.ts';
import { cellCheck } from './text-checks.ts';
import { type ReadColumn, textReader } from './text-reader.ts';

const CLASS = { integer: 0, float: 1, string: 3 } as const;

/** A kept column of an open shard. */
export interface KeptDataset {
  column: Column;
  read: ReadColumn;
  /** Decompressed bytes of a chunk. */
  chunkBytes: number;
}

/**
 * Opens the kept columns of a shard: datasets beside those of vectors and ids, with one text or number a row.
 * @param names of the datasets of vectors and ids
 * @throws DataError for a named column of another length or type
 */
export function openKeptDatasets(
  module: H5Module,
  files: OpenFiles,
  open: OpenFile,
  names: { embedding: string; id: string },
  rows: number,
  keep: Keep,
): KeptDataset[] {
  const group = names.embedding.slice(0, names.embedding.lastIndexOf('/') + 1);
  const isOwn = (name: string) => `${group}${name}` === names.embedding || `${group}${name}` === names.id;
  const isRequired = keep !== 'all' && keep !== 'possible';
  const opened = (name: string) => openKept(module, files, open, { group, name, rows, isRequired });
  return wantedNames(module, open, group, keep)
    .filter((name) => !isOwn(name) && (keep !== 'possible' || isColumnName(name)))
    .flatMap((name) => opened(name) ?? []);
}

function wantedNames(module: H5Module, open: OpenFile, group: string, keep: Keep): readonly string[] {
  const { file_id } = open.file;
  if (keep === 'all' || keep === 'possible') return module.get_names(file_id, group || '/', false).sort();
  if (keep !== 'written') return keep;
  return readTextAttribute(module, { in: open, path: '/' }, WRITTEN_COLUMNS)?.split(',') ?? [];
}

interface Wanted {
  group: string;
  name: string;
  rows: number;
  /** Whether a dataset that is no column is refused. */
  isRequired: boolean;
}

function openKept(
  module: H5Module,
  files: OpenFiles,
  open: OpenFile,
  { group, name, rows, isRequired }: Wanted,
): KeptDataset | undefined {
  const { path } = open;
  const located = files.locate(open, `${group}${name}`);
  if (!located) return undefined;
  const { file_id } = located.in.file;
  if (module.get_type(file_id, located.path) !== module.H5G_DATASET) {
    if (isRequired) throw columnOfOtherType(path, name, 'a group');
    return undefined;
  }
  const metadata = module.get_dataset_metadata(file_id, located.path);
  const { shape } = metadata;
  if (shape?.length !== 1 || shape[0] !== rows) {
    if (isRequired) throw columnOfOtherLength(path, name, shape, rows);
    return undefined;
  }
  const header = readDatasetHeader(module, name, located, metadata);
  const type = columnType(metadata, header);
  if (type === undefined) {
    if (isRequired) throw columnOfOtherType(path, name, 'of another type');
    return undefined;
  }
  if (!isColumnName(name)) throw badColumnName(path, name);
  requireReadableFilters(path, name, module.get_dataset_filters(file_id, located.path));
  requireAllRows(module, files, header);
  const common = { path, name, located };
  const { vlen, size, strpad } = metadata;
  const texts = { ...common, hasVariableLength: vlen, textBytes: size, padding: strpad ?? 0 };
  const read =
    type === 'utf8'
      ? textReader(module, texts, cellCheck(path, name))
      : numberReader(module, { ...common, type, metadata });
  return { column: { name, type }, read, chunkBytes: chunkBytesOf(header) };
}

function columnType({ type, size }: H5Metadata, { floatType }: DatasetHeader): ColumnType | undefined {
  if (type === CLASS.string) return 'utf8';
  if (type === CLASS.integer) return [1, 2, 4, 8].includes(size) ? 'int64' : undefined;
  const isFloat = type === CLASS.float && floatType && ['float32', 'float64'].includes(nameFloatType(floatType));
  return isFloat ? 'float64' : undefined;
}

/**
 * Reads rows of all columns.
 * @returns fewer rows, but at least one, if a column reaches `maxBytes`
 */
export function readKept(kept: readonly KeptDataset[], start: number, count: number, maxBytes: number): Utf8Column[] {
  return kept.map(({ read }) => read(start, count, maxBytes));
}
