// Messages of packing for users: the problem, the place, and what to do.

import type { Column } from '../base/columns/column-type.ts';
import { DataError } from '../base/errors.ts';
import { MAX_SHARED_CELL_BYTES } from '../base/limits.ts';
import { counted } from '../base/text/counted.ts';

/** The file, or the bucket of a database, from which an id was read. Rows count from 0. */
export interface IdPlace {
  name: string;
  row: number;
}

export function noShards(): DataError {
  return new DataError('No shards to pack.');
}

/** @param names of the shards */
export function noSequences(names: readonly string[]): DataError {
  const others = names.length > 3 ? `, and ${names.length - 3} more` : '';
  return new DataError(`No input has a sequence: ${names.slice(0, 3).join(', ')}${others}. Check --input.`);
}

/** @param id as shown to users */
export function duplicatedId(id: string, place: IdPlace, first: IdPlace): DataError {
  return new DataError(
    `${place.name}: row ${place.row}: the id ${id} is also the id of row ${first.row} of ${first.name}. ` +
      'Ids must be unique: rename or remove one.',
  );
}

/** @param id as shown to users */
export function idInDatabase(id: string, place: IdPlace, inTable: IdPlace): DataError {
  return new DataError(
    `${place.name}: row ${place.row}: the id ${id} is also the id of row ${inTable.row} of ${inTable.name}. ` +
      'Ids must be unique: rename it, remove it, or build without --check-ids.',
  );
}

/** @param base the shard or database with which the shard is compared */
export function otherDimension(path: string, dimension: number, base: { name: string; dimension: number }): DataError {
  return new DataError(
    `${path}: vectors of ${counted(dimension, 'component')}, but ${base.name} has ${base.dimension}. All vectors of a database must have the same dimension.`,
  );
}

/** @param base the shard or database with which the shard is compared */
export function otherModel(path: string, model: string, base: { name: string; model: string }): DataError {
  return new DataError(
    `${path}: made by model ${model}, but ${base.name} by ${base.model}. Vectors of two models cannot be compared; use one database per model.`,
  );
}

/** @param other a shard or bucket with another type of the same column */
export function otherColumnType(where: string, { name, type }: Column, other: Column & { where: string }): DataError {
  return new DataError(
    `${where}: the column "${name}" is ${type}, but ${other.type} in ${other.where}. A column has one type in a database: ` +
      'convert it, or leave it out with --keep.',
  );
}

export function columnTwice(path: string, name: string): DataError {
  return new DataError(
    `${path}: the column "${name}" is in the file and in the samplesheet. Rename one, or leave it out with --keep.`,
  );
}

export function badValues(text: string): string {
  return `--values needs a JSON object of texts for each of --input, not ${text.slice(0, 100)}.`;
}

/** @param files with other content than an input of the same name had before, and a bucket with rows of that */
export function changedFiles(files: ReadonlyArray<{ path: string; bucket: string }>): string {
  const [{ path, bucket }] = files as [{ path: string; bucket: string }];
  const others = files.length > 1 ? ` (and ${counted(files.length - 1, 'other file')})` : '';
  return (
    `${path}${others}: its content has changed since it was added. The rows of its old version are still in ${bucket}, and searches find both. ` +
    'With --replace, a build deletes them (docs/upkeep.md, "Replace")'
  );
}

export const replaceAndCheckIds =
  '--replace adds rows whose ids the database still has, which --check-ids refuses. Use one of them.';

export function relativePath(path: string): string {
  return (
    `--replace: ${path} is a relative path, which names other files from other folders. Pass absolute paths, in --input or --name, also when ` +
    'the files are added.'
  );
}

/** @param path of an input without rows */
export function emptyVersion(path: string, bucket: string): string {
  return (
    `--replace: ${path} has no sequences, and ${bucket} has rows of its earlier version. If it is complete, delete them with ` +
    'lanceflow delete --ids and remove the file from --input; otherwise correct it.'
  );
}

/** @param path an earlier version of an input @param other another source of its bucket */
export function otherRowsUnknown(path: string, bucket: string, other: string): string {
  return (
    `--replace: ${bucket} has rows of ${path} and of ${other}, which their ids tell apart. Pass ${other} in --input, too, as it was added: ` +
    'its rows are not built again. Or delete the old rows with lanceflow delete --ids (docs/upkeep.md, "Replace").'
  );
}

export function otherClientsRows(path: string, bucket: string): string {
  return (
    `--replace: ${bucket} has rows that another client added or changed, which cannot be told from those of ${path}. ` +
    'Delete the old rows with lanceflow delete --ids (docs/upkeep.md, "Replace").'
  );
}

/** @param value of a samplesheet's column, for all rows of a file */
export function longValue(name: string, value: string): string {
  return (
    `The column "${name}" of the samplesheet has a value of ${Buffer.byteLength(value)} bytes, ${JSON.stringify(value.slice(0, 40))}...; ` +
    `at most ${MAX_SHARED_CELL_BYTES} are allowed, as all rows of a file get it. Shorten it.`
  );
}

/** @param files with vectors and ids that a bucket holds with other columns, or other values in them */
export function heldWithOtherColumns(files: ReadonlyArray<{ path: string; bucket: string }>): string {
  const [{ path, bucket }] = files as [{ path: string; bucket: string }];
  const others = files.length > 1 ? ` (and ${counted(files.length - 1, 'other file')})` : '';
  return (
    `${path}${others}: the database has these vectors with other columns or values (descriptions, for example) in ${bucket}. They stay as they ` +
    'are: to have the new ones, build a new database (docs/upkeep.md, "Replace")'
  );
}
