import { counted } from '../base/text/counted.ts';

/** Messages of fetch-columns for users. */
export const FETCH_MESSAGES = {
  nothingAsked: 'Name what to fetch: --columns description,sequence, or --fasta FILE.',
  sequenceIsNotText: (uri: string, type: string) =>
    `--fasta: the column sequence of ${uri} is ${type}, not text, so there are no sequences to write. Omit --fasta.`,
  unknownBuckets: (path: string, uri: string, names: readonly string[], known: readonly string[]) =>
    `${path}: its neighbours are of ${names.join(', ')}, but ${uri} has ${known.join(', ')}. Name the database that was searched.`,
  otherTable: (path: string, uri: string, bucket: string) =>
    `${path}: ${bucket} of ${uri} was built of other rows since this search. Search again.`,
  missingTarget: (path: string, id: string, bucket: string, uri: string) =>
    `${path}: ${bucket} of ${uri} has no row ${id}. Name the neighbours as merge-hits wrote them, and the database that was searched.`,
  repeatedIds: (bucket: string, count: number) =>
    `${bucket} has several rows for each of ${counted(count, 'target')}; the columns are those of the first row`,
  withoutSequence: (count: number) =>
    `${counted(count, 'target')} without a sequence ${count === 1 ? 'is' : 'are'} not in the FASTA file`,
} as const;
