// Messages about the layout of HDF5 files of vectors for users: what the file has, and what to do.

import { DataError } from '../../base/errors.ts';
import { MAX_DIMENSION } from '../../base/limits.ts';
import { quoteValue } from '../../base/text/quote.ts';
import type { FoundDataset, Survey } from './survey-datasets.ts';

/** Datasets that a message names. */
const MAX_NAMED = 6;

const HOW_TO_NAME =
  'Name those to read: --h5_embedding and --h5_id (of lanceflow import-vectors: --h5-embedding, --h5-id).';

/** Describes a dataset: `"a/b" [3, 4] float32`. */
function describeDataset({ path, shape, element }: FoundDataset): string {
  return `${quoteValue(path)} [${shape.join(', ')}] ${element.name}`;
}

/** Lists what a file has. */
export function listContent({ vectorCount, others, otherCount }: Survey, first: FoundDataset | undefined): string {
  const named = others.slice(0, MAX_NAMED).map(describeDataset);
  if (first)
    named.unshift(vectorCount === 1 ? describeDataset(first) : `${vectorCount} like ${describeDataset(first)}`);
  const more = otherCount > MAX_NAMED ? `, and ${otherCount - MAX_NAMED} more` : '';
  return named.length === 0 ? 'It has no datasets.' : `It has ${named.join(', ')}${more}.`;
}

/** @param content what the file has: see `listContent` */
export function noVectorDataset(path: string, content: string): DataError {
  return new DataError(
    `${path}: no dataset "embedding". A shard has "embedding" [N, D] and "id" [N], or a dataset [D] for each protein. ${content}`,
  );
}

export function noIdDataset(path: string, vectors: string, content: string): DataError {
  return new DataError(
    `${path}: no dataset "id": strings, one for each vector of "${vectors}". ${content} Write the ids (h5py: ` +
      'f.create_dataset("id", data=ids, dtype=h5py.string_dtype())).',
  );
}

export function severalTables(path: string, content: string): DataError {
  return new DataError(
    `${path}: it is not clear which datasets are the vectors and their ids. ${content} ${HOW_TO_NAME}`,
  );
}

export function noSuchDataset(path: string, option: string, name: string, content: string): DataError {
  return new DataError(`${path}: ${option} ${name}: no such dataset. ${content}`);
}

export function residueVectors(path: string, dataset: FoundDataset): DataError {
  return new DataError(
    `${path}: ${describeDataset(dataset)} has a vector for each residue of a protein. LanceFlow needs one for each protein: ` +
      'pool them (h5py: x[:].mean(axis=0)), or use the file of pooled vectors (of UniProt: per-protein.h5).',
  );
}

export function notAllVectors(path: string, dataset: FoundDataset, content: string): DataError {
  return new DataError(
    `${path}: ${describeDataset(dataset)} is not the vector [D] of a protein, as other datasets of this file are. ${content} ` +
      'Remove it, or write the vectors as "embedding" [N, D] and "id" [N].',
  );
}

export function vectorsDiffer(path: string, first: FoundDataset, other: FoundDataset): DataError {
  return new DataError(
    `${path}: ${describeDataset(other)}, but ${describeDataset(first)}. All vectors must have the same length and type.`,
  );
}

export function wrongNumberType(path: string, name: string, type: string): DataError {
  return new DataError(
    `${path}: ${quoteValue(name)} is ${type}; vectors must be float32 or float16, or float64 or integers, which are converted.`,
  );
}

export function wrongDimension(path: string, name: string, dimension: number): DataError {
  return new DataError(
    `${path}: ${quoteValue(name)} has ${dimension} components; 1 to ${MAX_DIMENSION} are supported.`,
  );
}

export function beyondEnd(path: string, name: string): DataError {
  return new DataError(
    `${path}: "${name}" cannot be read: its rows lie beyond the end of the file; the file is damaged.`,
  );
}

export function manyDatasets(path: string, most: number): DataError {
  return new DataError(
    `${path}: more than ${most} datasets of a vector each. Divide the file, or write the vectors as "embedding" [N, D] and "id" [N].`,
  );
}

export function noOriginalId(path: string, name: string, attribute: string): DataError {
  return new DataError(
    `${path}: ${quoteValue(name)} has no attribute "${attribute}", as other datasets have. Write its id there, or remove it.`,
  );
}

export function linkElsewhere(path: string, name: string): DataError {
  return new DataError(
    `${path}: ${quoteValue(name)} is a link to another file, or to nothing. Write a file that has the vectors itself (h5repack, or h5py: f.copy).`,
  );
}

/** @param place row and component */
export function beyondFloat32(path: string, place: string, value: number | bigint): DataError {
  return new DataError(
    `${path}: ${place}: ${value} is beyond the range of float32, in which vectors are stored (up to 3.4e38). Scale the vectors, or fix ` +
      'or remove the row.',
  );
}

// Notes

/** @param place row and component */
export function roundedNote(path: string, place: string, value: number | bigint, rounded: number): string {
  return `${path}: ${place}: ${value} is stored as ${rounded}, because float32 holds integers above 16777216 (2^24) only to 24 bits. Others may be rounded too.`;
}

export function squareNote(path: string, name: string, rows: number): string {
  return `${path}: "${name}" is [${rows}, ${rows}]: each of its ${rows} rows is read as a vector. If its columns are the vectors, transpose it.`;
}

export function convertedNote(path: string, type: string): string {
  return `${path}: its vectors are ${type}, which are converted to float32.`;
}

export function transposedNote(path: string, name: string, dimension: number, rows: number): string {
  return `${path}: "${name}" is transposed: [${dimension}, ${rows}], a column for each of ${rows} ids. It is read by columns, which is slower.`;
}

export function tableNote(path: string, vectors: string, ids: string): string {
  return `${path}: reading the vectors "${vectors}" and the ids "${ids}".`;
}

/** Row count from which opening the datasets takes ten seconds or more, in each task that reads the file. */
const SLOW_DATASETS = 1_000_000;

/** @param id of the first vector */
export function proteinsNote(path: string, rows: number, id: string): string {
  const slow =
    rows < SLOW_DATASETS
      ? ''
      : ' Each task that reads the file needs ten seconds per million of them: lanceflow import-vectors writes a shard without this cost.';
  return `${path}: reading ${rows} datasets as a vector each; their ids are the names, such as ${quoteValue(id)}.${slow}`;
}
