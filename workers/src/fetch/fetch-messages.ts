import { counted } from '../base/text/counted.ts';

/** Messages of fetch-columns for users. */
export const FETCH_MESSAGES = {
  unknownBuckets: (path: string, uri: string, names: readonly string[], known: readonly string[]) =>
    `${path}: its neighbours are of ${names.join(', ')}, but ${uri} has ${known.join(', ')}. Name the database that was searched.`,
  otherTable: (path: string, uri: string, bucket: string) =>
    `${path}: ${bucket} of ${uri} was built of other rows since this search. Search again.`,
  missingTarget: (path: string, id: string, bucket: string, uri: string) =>
    `${path}: ${bucket} of ${uri} has no row ${id}. Name the neighbours as merge-hits wrote them, and the database that was searched; if rows were deleted since, search again.`,
  ambiguousIds: (count: number, ids: readonly string[]) =>
    `${counted(count, 'target')} ${count === 1 ? 'has' : 'have'} several rows with different columns in one bucket: ${ids.join(', ')}${count > ids.length ? ', ...' : ''}; the columns are those of the first row, which may not be the one that was found`,
} as const;
