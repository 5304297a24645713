import { columnText, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { MAX_DIMENSION, MAX_PROTEIN_DATASETS } from '../../base/limits.ts';
import { readTextAttribute } from '../attributes.ts';
import { guardStructures, requireAllRows, requireReadableFilters } from '../hdf5/dataset-check.ts';
import { BadStructure, UNDEFINED_ADDRESS } from '../hdf5/file-bytes.ts';
import type { H5Module } from '../hdf5/h5wasm.ts';
import { failedRead, neverWritten } from '../hdf5/hdf5-messages.ts';
import { withBuffer } from '../hdf5/library.ts';
import type { OpenFile, OpenFiles } from '../hdf5/locate.ts';
import { MESSAGE, readObjectHeader } from '../hdf5/object-header.ts';
import { readDatasetFacts } from './dataset-facts.ts';
import { DatasetList } from './dataset-list.ts';
import { idsOfPaths } from './ids-of-paths.ts';
import * as messages from './layout-messages.ts';
import { isConverted, isNumberType, NUMBER_BYTES, type NumberType, numbersOf } from './number-type.ts';
import { rowRounder } from './row-rounder.ts';
import type { VectorDataset } from './survey-datasets.ts';

/** The attribute with which bio_embeddings keeps an id, because its datasets are numbered. */
const ORIGINAL_ID = 'original_id';

/** Collects the datasets of a file that has one for each protein. */
export class ProteinDatasets {
  /** Their paths, and the addresses of their vectors; NaN where these are not plain bytes in the file. */
  readonly list = new DatasetList();
  /** Addresses of the object headers of those. */
  readonly headersAt = new Map<number, number>();
  first: VectorDataset | undefined;
  /** The first dataset of another length or type. */
  other: VectorDataset | undefined;
  /** Set when the datasets have been checked. */
  ids: Utf8Column | undefined;
  readonly #path: string;
  readonly #most: number;

  /** @param path of the file @param most datasets */
  constructor(path: string, most = MAX_PROTEIN_DATASETS) {
    this.#path = path;
    this.#most = most;
  }

  /** @throws DataError if there are too many */
  readonly add = (dataset: VectorDataset): void => {
    const { path, address, rowsAt, element, messages: header } = dataset;
    const dimension = dataset.shape.at(-1);
    this.first ??= dataset;
    const isPlain =
      rowsAt !== undefined && element.isLittleEndian && !header.some(({ type }) => type === MESSAGE.externalFiles);
    // The library reads all with the shape of the first.
    const isOtherShape = isPlain ? dimension !== this.first.shape.at(-1) : `${dataset.shape}` !== `${this.first.shape}`;
    if (isOtherShape || element.name !== this.first.element.name) this.other ??= dataset;
    const { length } = this.list;
    if (length === this.#most || !this.list.push(path, isPlain ? rowsAt : Number.NaN))
      throw messages.manyDatasets(this.#path, length);
    if (!isPlain) this.headersAt.set(length, address);
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
    ...{ rows: datasets.list.length, dimension, type },
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
  const { list } = datasets;
  for (let row = 0; row < list.length; row++) {
    const at = list.value(row);
    if (at === UNDEFINED_ADDRESS) throw neverWritten(path, list.path(row), 0, 1);
    if (at + rowBytes > open.structures.byteLength) throw messages.beyondEnd(path, list.path(row));
  }
  for (const [row, address] of datasets.headersAt)
    requireStored(module, files, open, list.path(row), address, NUMBER_BYTES[type]);
  return idsOf(module, open, list);
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
function idsOf(module: H5Module, open: OpenFile, list: DatasetList): Utf8Column {
  const attributeOf = (path: string) => readTextAttribute(module, { in: open, path: `/${path}` }, ORIGINAL_ID);
  if (attributeOf(list.path(0)) === undefined) return idsOfPaths(list.paths);
  const ids = new DatasetList();
  for (let row = 0; row < list.length; row++) {
    const path = list.path(row);
    const id = attributeOf(path);
    if (id === undefined) throw messages.noOriginalId(open.path, path, ORIGINAL_ID);
    if (!ids.push(id, 0)) throw messages.manyDatasets(open.path, row);
  }
  return ids.paths;
}

function rowReader(
  module: H5Module,
  open: OpenFile,
  { list, headersAt, first }: ProteinDatasets,
  dimension: number,
  type: NumberType,
  onNote: (note: string) => void,
): ProteinTable['readVectors'] {
  const storedBytes = dimension * NUMBER_BYTES[type];
  const round = rowRounder(open.path, onNote);
  const row = new Uint8Array(storedBytes);
  const extent = first!.shape.map(BigInt);
  const [zeros, ones] = [extent.map(() => 0n), extent.map(() => 1n)];
  const readStored = (at: number, into: Uint8Array) => {
    const path = list.path(at);
    if (!headersAt.has(at)) {
      guardStructures(open.path, path, () => open.structures.readInto(list.value(at), into));
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
      round(numbersOf(row, type), vector, (component) => `"${list.path(start + i)}", component ${component}`);
    }
  };
}
