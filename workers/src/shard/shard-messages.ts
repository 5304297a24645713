// Messages of reading and writing shards for users: the file and row, the problem, and what to do. HDF5: hdf5/hdf5-messages.ts.

import { DataError, TransientError } from '../base/errors.ts';
import { MAX_DIMENSION, MAX_ID_BYTES } from '../base/limits.ts';
import { counted } from '../base/text/counted.ts';

export function missingShard(path: string): DataError {
  return new DataError(`${path}: no such file.`);
}

export function notAFile(path: string): DataError {
  return new DataError(`${path}: not a file.`);
}

export function shardChanged(path: string): DataError {
  return new DataError(`${path}: the file changed while it was read. Run again when no program is writing to it.`);
}

export function noVectors(path: string): DataError {
  return new DataError(`${path}: no vectors in this shard. Remove it from the input, or create it again.`);
}

// Shape and types

export function missingDataset(path: string, name: string): DataError {
  return new DataError(`${path}: no dataset "${name}". A shard has "embedding" [N, D] and "id" [N].`);
}

export function notADataset(path: string, name: string): DataError {
  return new DataError(`${path}: "${name}" is not a dataset.`);
}

export function wrongRank(path: string, name: string, rank: number, shape: readonly number[] | null): DataError {
  return new DataError(
    `${path}: "${name}" must have ${counted(rank, 'dimension')}, not [${shape?.join(', ') ?? 'scalar'}].`,
  );
}

/** @param names of the datasets */
export function rowCountsDiffer(
  path: string,
  names: { embedding: string; id: string },
  rows: number,
  idRows: number,
): DataError {
  const [own, other] = [`"${names.embedding}" has ${counted(rows, 'row')}`, `"${names.id}" has ${idRows}`];
  return new DataError(`${path}: ${own} and ${other}; they must have the same length.`);
}

export function noComponents(path: string, name: string): DataError {
  return new DataError(`${path}: "${name}" has vectors without components.`);
}

export function dimensionTooLarge(path: string, name: string, dimension: number): DataError {
  return new DataError(
    `${path}: "${name}" has vectors of ${dimension} components; at most ${MAX_DIMENSION} are supported.`,
  );
}

export function wrongVectorType(path: string, name: string, type: string): DataError {
  return new DataError(
    `${path}: "${name}" is ${type}; it must be float32 or float16, or float64 or integers, which are converted. ` +
      `Convert it (h5py: x = f["${name}"].astype("float32")[:]; del f["${name}"]; f["${name}"] = x; ` +
      'numpy: array.astype("float32")).',
  );
}

// Attributes

export function attributesUnreadable(path: string): DataError {
  return new DataError(`${path}: the attributes of "embedding" cannot be listed; the file is damaged.`);
}

/** @param attribute its name and location */
export function identityUnreadable(path: string, attribute: string): DataError {
  return new DataError(
    `${path}: ${attribute} is neither one text nor one number, so it cannot be compared with that of other shards. ` +
      'Write it as a text (h5py: f["embedding"].attrs["model"] = "name").',
  );
}

export function identityContradicts(path: string, name: string, ofDataset: unknown, ofFile: unknown): DataError {
  return new DataError(
    `${path}: "${name}" is ${JSON.stringify(ofDataset)} on "embedding" and ${JSON.stringify(ofFile)} on the file. ` +
      'Fix the wrong one: vectors of two models cannot be compared.',
  );
}

// Ids

export function idsNotText(path: string, name: string): DataError {
  return new DataError(`${path}: "${name}" must be strings (h5py: dtype=h5py.string_dtype()).`);
}

export function idTypeTooLong(path: string, name: string, byteLength: number): DataError {
  return new DataError(`${path}: "${name}" has strings of ${byteLength} bytes; at most ${MAX_ID_BYTES} are allowed.`);
}

export function idMissing(path: string, row: number): DataError {
  return new DataError(
    `${path}: row ${row} has no id: it is empty, or was never written. Give every row an id, or remove the row.`,
  );
}

export function idTooLong(path: string, row: number, byteLength: number): DataError {
  return new DataError(
    `${path}: the id of row ${row} has ${byteLength} bytes; at most ${MAX_ID_BYTES} are allowed. Shorten it.`,
  );
}

export function idNotUtf8(path: string, row: number, latin1: string): DataError {
  return new DataError(
    `${path}: the id of row ${row} (${JSON.stringify(latin1)} in Latin-1) is not UTF-8. ` +
      `Write ids as UTF-8 (h5py: dtype=h5py.string_dtype("utf-8")).`,
  );
}

// Reading by the library

export function libraryFailed(path: string): DataError {
  return new DataError(`${path}: HDF5 cannot read this file; it is damaged.`);
}

/** @param what the part of the file that is read */
export function libraryStalled(path: string, what: string): DataError {
  return new DataError(
    `${path}: HDF5 did not finish reading ${what}; the file is damaged. ` +
      'Create it again, or check how much of it other programs can read (h5dump, h5py).',
  );
}

// Descriptions

export function notADescription(path: string): DataError {
  return new DataError(`${path}: neither an HDF5 file nor a description of one (lanceflow describe-shard).`);
}

export function damagedDescription(path: string, problem: string): DataError {
  return new DataError(`${path}: the shard's description is damaged: ${problem}. Run lanceflow describe-shard again.`);
}

export function changedSinceDescribed(path: string, description: string): DataError {
  return new DataError(
    `${path}: the shard changed after ${description} was written. Describe it again: lanceflow describe-shard.`,
  );
}

/** @param problems the messages of the shards @param isAll false if further shards were not checked */
export function unusableShards(problems: readonly string[], shards: number, isAll: boolean): DataError {
  const count = `${isAll ? '' : 'At least '}${problems.length} of ${counted(shards, 'shard')}`;
  return new DataError([`${count} cannot be used:`, ...problems].join('\n'));
}

// Writing

export function cannotCreate(path: string): TransientError {
  return new TransientError(`${path}: cannot create this file. Check the folder and its free space.`);
}

export function cannotWrite(path: string): TransientError {
  return new TransientError(`${path}: HDF5 cannot write. Is the disk full? Free space and run again.`);
}

/** @param problem the row and what to do */
export function notFloat16(problem: string): DataError {
  return new DataError(`--vector-type float16: ${problem}.`);
}

export function idWithNul(path: string, row: number): DataError {
  return new DataError(`${path}: the id of row ${row} has a NUL character, which HDF5 cannot store. Rename it.`);
}
