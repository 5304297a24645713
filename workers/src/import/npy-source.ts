import { type FileHandle, open } from 'node:fs/promises';
import { columnFrom } from '../base/bytes/utf8-column.ts';
import { MAX_DIMENSION } from '../base/limits.ts';
import { idCheck } from '../shard/columns/text-checks.ts';
import { convertedNote, squareNote, transposedNote } from '../shard/layouts/layout-messages.ts';
import {
  decodeVectors,
  isConverted,
  isNumberType,
  NUMBER_BYTES,
  type NumberType,
  numbersOf,
  storedVectorType,
} from '../shard/layouts/number-type.ts';
import { rowRounder } from '../shard/layouts/row-rounder.ts';
import { openIdFile } from './id-file.ts';
import * as messages from './import-messages.ts';
import { type NpyHeader, readElements, readNpyHeader, requireWhole, swapBytes } from './npy-header.ts';
import { BLOCK_BYTES, type IdFile, type SourceBlock, type VectorSource } from './vector-source.ts';

/** How the vectors of a file are stored. */
interface Layout extends Pick<NpyHeader, 'isBigEndian' | 'isByColumns' | 'dataAt'> {
  type: NumberType;
  rows: number;
  dimension: number;
}

/** Returns the path of the ids of a .npy file: the same name with .txt. */
export function idFileOf(path: string): string {
  return path.replace(/\.npy$/i, '.txt');
}

/**
 * Opens a .npy file and the file of its ids. A matrix (D, N) is read by columns if there are N ids; of a square one, rows are vectors.
 * @throws DataError if either is not what it must be
 */
export async function openNpy(path: string, idPath: string): Promise<VectorSource> {
  const idFile = await openIdFile(path, idPath);
  const file = await open(path, 'r');
  try {
    const { shape, ...header } = await readNpyHeader(file, path);
    const type = numberTypeOf(path, header);
    if (shape.length !== 2) throw messages.wrongNpyShape(path, shape);
    await requireWhole(file, path, header.dataAt + shape[0]! * shape[1]! * NUMBER_BYTES[type]);
    const idRows = await countIds(idFile);
    const isTransposed = shape[0] !== idRows && shape[1] === idRows;
    const [rows, dimension] = (isTransposed ? [shape[1], shape[0]] : shape) as [number, number];
    if (rows === 0) throw messages.noRows(path);
    if (rows !== idRows) throw messages.idCountDiffers(path, idPath, rows, idRows, false);
    if (dimension === 0 || dimension > MAX_DIMENSION) throw messages.wrongNpyShape(path, shape);
    const layout = { ...header, type, rows, dimension, isByColumns: header.isByColumns !== isTransposed };
    const notes = [...idFile.notes, ...(isConverted(type) ? [convertedNote(path, type)] : [])];
    if (isTransposed) notes.push(transposedNote(path, 'the matrix', dimension, rows));
    if (shape[0] === shape[1] && rows > 1) notes.push(squareNote(path, 'the matrix', rows));
    const read = rowReader(file, path, layout, (note) => void notes.push(note));
    return {
      ...{ rows, dimension, notes, attributes: {}, vectorType: storedVectorType(type) },
      blocks: () => readBlocks(layout, read, path, idPath, idFile),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function numberTypeOf(path: string, { kind, length, descr }: Pick<NpyHeader, 'kind' | 'length' | 'descr'>): NumberType {
  const type = `${{ f: 'float', i: 'int', u: 'uint' }[kind]}${8 * length}`;
  if (!isNumberType(type)) throw messages.wrongNpyType(path, descr === '' ? 'a structure' : descr);
  return type;
}

async function countIds({ ids }: IdFile): Promise<number> {
  let count = 0;
  for await (const _ of ids()) count++;
  return count;
}

type ReadRows = (start: number, count: number) => Promise<Float32Array>;

async function* readBlocks(
  { rows, dimension }: Layout,
  read: ReadRows,
  path: string,
  idPath: string,
  idFile: IdFile,
): AsyncGenerator<SourceBlock> {
  const blockRows = Math.max(1, Math.floor(BLOCK_BYTES / (4 * dimension)));
  const texts = idFile.ids();
  try {
    for (let start = 0; start < rows; start += blockRows) {
      const count = Math.min(blockRows, rows - start);
      const block: string[] = [];
      while (block.length < count) {
        const { value, done } = await texts.next();
        if (done) throw messages.idCountDiffers(path, idPath, rows, start + block.length, false);
        block.push(value);
      }
      const ids = columnFrom(block);
      idCheck(idPath)(ids, start);
      yield { ids, vectors: await read(start, count) };
    }
  } finally {
    // Closes its file.
    await texts.return(undefined);
  }
}

/** Returns a reader of rows [start, start + count) as float32. @param onNote receives what the numbers show, once */
function rowReader(file: FileHandle, path: string, layout: Layout, onNote: (note: string) => void): ReadRows {
  const { type, dataAt, rows, dimension, isByColumns } = layout;
  const bytes = NUMBER_BYTES[type];
  const round = rowRounder(path, onNote);
  const placeOf = (element: number) => {
    const [row, component] = isByColumns
      ? [element % rows, Math.floor(element / rows)]
      : [Math.floor(element / dimension), element % dimension];
    return `row ${row}, component ${component}`;
  };
  const read = async (firstElement: number, elements: number) => {
    const stored = await readElements(file, path, dataAt + firstElement * bytes, elements * bytes);
    if (layout.isBigEndian) swapBytes(stored, bytes);
    const numbers = new Float32Array(elements);
    if (isConverted(type)) round(numbersOf(stored, type), numbers, (at) => placeOf(firstElement + at));
    else decodeVectors(stored, type, numbers);
    return numbers;
  };
  return async (start, count) => {
    if (!isByColumns) return read(start * dimension, count * dimension);
    const vectors = new Float32Array(count * dimension);
    for (let component = 0; component < dimension; component++) {
      const column = await read(component * rows + start, count);
      for (let row = 0; row < count; row++) vectors[row * dimension + component] = column[row]!;
    }
    return vectors;
  };
}
