import { columnFrom, columnText, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { MAX_DIMENSION } from '../../base/limits.ts';
import { readTextAttribute } from '../attributes.ts';
import { guardStructures, requireAllRows, requireReadableFilters } from '../hdf5/dataset-check.ts';
import { BadStructure, UNDEFINED_ADDRESS } from '../hdf5/file-bytes.ts';
import type { H5Module } from '../hdf5/h5wasm.ts';
import { failedRead, neverWritten } from '../hdf5/hdf5-messages.ts';
import { withBuffer } from '../hdf5/library.ts';
import type { OpenFile, OpenFiles } from '../hdf5/locate.ts';
import { MESSAGE, readObjectHeader } from '../hdf5/object-header.ts';
import { readDatasetFacts } from './dataset-facts.ts';
import * as messages from './layout-messages.ts';
import { isConverted, isNumberType, NUMBER_BYTES, type NumberType, numbersOf } from './number-type.ts';
import { rowRounder } from './row-rounder.ts';
import type { VectorDataset } from './survey-datasets.ts';

/** The attribute with which bio_embeddings keeps an id, because its datasets are numbered. */
const ORIGINAL_ID = 'original_id';

/** Collects the datasets of a file that has one for each protein. */
export class ProteinDatasets {
  readonly paths: string[] = [];
  /** Addresses of the vectors; NaN where they are not plain bytes in the file. */
  readonly rowsAt: number[] = [];
  /** Addresses of the object headers of those. */
  readonly headersAt = new Map<number, number>();
  first: VectorDataset | undefined;
  /** The first dataset of another length or type. */
  other: VectorDataset | undefined;
  /** Set when the datasets have been checked. */
  ids: Utf8Column | undefined;

  readonly add = (dataset: VectorDataset): void => {
    const { path, address, rowsAt, element, messages: header } = dataset;
    const dimension = dataset.shape.at(-1);
    this.first ??= dataset;
    const isPlain =
      rowsAt !== undefined && element.isLittleEndian && !header.some(({ type }) => type === MESSAGE.externalFiles);
    // The library reads all with the shape of the first.
    const isOtherShape = isPlain ? dimension !== this.first.shape.at(-1) : `${dataset.shape}` !== `${this.first.shape}`;
    if (isOtherShape || element.name !== this.first.element.name) this.other ??= dataset;
    if (!isPlain) this.headersAt.set(this.paths.length, address);
    this.paths.push(path);
    this.rowsAt.push(isPlain ? rowsAt : Number.NaN);
  };
}

/** The vectors of a file with a dataset for each protein, in the order of its names. */
export interface ProteinTable {
  rows: number;
  dimension: number;
  /** As stored in the file. */
  type: NumberType;
  ids: Utf8Column;
  /** For messages. */
  firstId: string;
  /** Reads rows [start, start + count): as stored, or converted to float32. */
  readVectors(start: number, count: number, into: Uint8Array): void;
}

/**
 * Checks the datasets of a file that has one for each protein.
 * @param onNote receives what the user should know about the vectors, once
 * @throws DataError that names the first one that cannot be read
 */
export function openProteinTable(
  module: H5Module,
  files: OpenFiles,
  open: OpenFile,
  datasets: ProteinDatasets,
  onNote: (note: string) => void,
): ProteinTable {
  const first = datasets.first!;
  const dimension = first.shape.at(-1)!;
  const type = first.element.name as NumberType;
  datasets.ids ??= checkedIds(module, files, open, datasets, first);
  return {
    ...{ rows: datasets.paths.length, dimension, type },
    ids: datasets.ids,
    firstId: columnText(datasets.ids, 0),
    readVectors: rowReader(module, open, datasets, dimension, type, onNote),
  };
}

/** Checks all datasets, and returns their ids. */
function checkedIds(
  module: H5Module,
  files: OpenFiles,
  open: OpenFile,
  datasets: ProteinDatasets,
  first: VectorDataset,
): Utf8Column {
  const { path } = open;
  if (datasets.other) throw messages.vectorsDiffer(path, first, datasets.other);
  const dimension = first.shape.at(-1)!;
  const type = first.element.name;
  if (!isNumberType(type)) throw messages.wrongNumberType(path, first.path, type);
  if (dimension === 0 || dimension > MAX_DIMENSION) throw messages.wrongDimension(path, first.path, dimension);
  const rowBytes = dimension * NUMBER_BYTES[type];
  for (const [row, at] of datasets.rowsAt.entries()) {
    const name = datasets.paths[row]!;
    if (at === UNDEFINED_ADDRESS) throw neverWritten(path, name, 0, 1);
    if (at + rowBytes > open.structures.byteLength) throw messages.beyondEnd(path, name);
  }
  for (const [row, address] of datasets.headersAt)
    requireStored(module, files, open, datasets.paths[row]!, address, NUMBER_BYTES[type]);
  return columnFrom(idsOf(module, open, datasets.paths));
}

/** Checks that a vector that the library must read exists, because it would return a fill value otherwise. */
function requireStored(
  module: H5Module,
  files: OpenFiles,
  open: OpenFile,
  path: string,
  address: number,
  elementBytes: number,
): void {
  const located = { in: open, path: `/${path}` };
  requireReadableFilters(open.path, path, module.get_dataset_filters(open.file.file_id, located.path));
  const facts = guardStructures(open.path, path, () => {
    const found = readDatasetFacts(open.structures, readObjectHeader(open.structures, address));
    if (!found) throw new BadStructure('its header has changed');
    return found;
  });
  requireAllRows(module, files, { ...facts, name: path, located, floatType: undefined, elementBytes });
}

/** Returns the ids of datasets: their attribute, or what distinguishes their paths. */
function idsOf(module: H5Module, open: OpenFile, paths: readonly string[]): string[] {
  const attributeOf = (path: string) => readTextAttribute(module, { in: open, path: `/${path}` }, ORIGINAL_ID);
  if (attributeOf(paths[0]!) !== undefined)
    return paths.map((path) => {
      const id = attributeOf(path);
      if (id === undefined) throw messages.noOriginalId(open.path, path, ORIGINAL_ID);
      return id;
    });
  return idsOfPaths(paths);
}

/**
 * Returns what distinguishes paths: without the groups that all have in common, and without the last name where all have the same, as
 * `P12345/embedding`. The rest may have several names, because h5py makes groups of an id with slashes.
 */
export function idsOfPaths(paths: readonly string[]): string[] {
  const cutAfter = commonGroups(paths);
  const last = (path: string) => path.slice(path.lastIndexOf('/'));
  const name = last(paths[0]!);
  const isSame = paths.length > 1 && name.startsWith('/') && paths.every((path) => last(path) === name);
  return paths.map((path) => path.slice(cutAfter, isSame ? -name.length : undefined));
}

/** Returns the length of the groups that all paths begin with, with their slash. */
function commonGroups(paths: readonly string[]): number {
  let common = paths[0]!.slice(0, paths[0]!.lastIndexOf('/') + 1);
  for (const path of paths)
    while (!path.startsWith(common)) common = common.slice(0, common.lastIndexOf('/', common.length - 2) + 1);
  return common.length;
}

function rowReader(
  module: H5Module,
  open: OpenFile,
  { paths, rowsAt, headersAt, first }: ProteinDatasets,
  dimension: number,
  type: NumberType,
  onNote: (note: string) => void,
): ProteinTable['readVectors'] {
  const storedBytes = dimension * NUMBER_BYTES[type];
  const positions = Float64Array.from(rowsAt);
  const round = rowRounder(open.path, onNote);
  const row = new Uint8Array(storedBytes);
  const extent = first!.shape.map(BigInt);
  const [zeros, ones] = [extent.map(() => 0n), extent.map(() => 1n)];
  const readStored = (at: number, into: Uint8Array) => {
    const path = paths[at]!;
    if (!headersAt.has(at)) {
      guardStructures(open.path, path, () => open.structures.readInto(positions[at]!, into));
      return;
    }
    withBuffer(module, storedBytes, (address) => {
      const { file_id } = open.file;
      const status = module.get_dataset_data(file_id, `/${path}`, extent, zeros, ones, BigInt(address));
      if (status < 0) throw failedRead(open.path, path, 0, 1);
      into.set(module.HEAPU8.subarray(address, address + storedBytes));
    });
  };
  return (start, count, into) => {
    if (!isConverted(type)) {
      for (let i = 0; i < count; i++) readStored(start + i, into.subarray(i * storedBytes, (i + 1) * storedBytes));
      return;
    }
    const floats = new Float32Array(into.buffer, into.byteOffset, count * dimension);
    for (let i = 0; i < count; i++) {
      readStored(start + i, row);
      const vector = floats.subarray(i * dimension, (i + 1) * dimension);
      round(numbersOf(row, type), vector, (component) => `"${paths[start + i]!}", component ${component}`);
    }
  };
}
