// What packing tells users: the problem, the place, and what to do.

import { DataError } from '../base/errors.ts';

/** Where an id was read: a file, or a bucket of a database. @param row from 0 */
export interface IdPlace {
  name: string;
  row: number;
}

export function noShards(): DataError {
  return new DataError('No shards to pack.');
}

/** @param id as it is shown */
export function duplicatedId(id: string, place: IdPlace, first: IdPlace): DataError {
  return new DataError(
    `${place.name}: row ${place.row}: the id ${id} is also the id of row ${first.row} of ${first.name}. ` +
      'Ids must be unique: rename or remove one.',
  );
}

/** @param id as it is shown */
export function idInDatabase(id: string, place: IdPlace, inTable: IdPlace): DataError {
  return new DataError(
    `${place.name}: row ${place.row}: the id ${id} is also the id of row ${inTable.row} of ${inTable.name}. ` +
      'Ids must be unique: rename it, remove it, or build without --check-ids.',
  );
}

/** @param base the shard or database that was there first */
export function otherDimension(path: string, dimension: number, base: { name: string; dimension: number }): DataError {
  return new DataError(
    `${path}: vectors of ${dimension} components, but ${base.name} has ${base.dimension}. One database holds one kind of vectors.`,
  );
}

/** @param base the shard or database that was there first */
export function otherModel(path: string, model: string, base: { name: string; model: string }): DataError {
  return new DataError(
    `${path}: made by model ${model}, but ${base.name} by ${base.model}. Vectors of two models cannot be compared; use one database a model.`,
  );
}
