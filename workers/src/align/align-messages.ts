import { counted } from '../base/text/counted.ts';

/** Messages of align-neighbours for users. */
export const ALIGN_MESSAGES = {
  noSequences: (path: string) =>
    `${path} has no column "sequence", so there is nothing to align. Fetch it with fetch-columns --columns sequence, from a database that was ` +
    'built from FASTA and keeps the sequences (see --keep).',
  sequenceIsNotText: (path: string) =>
    `${path}: the column "sequence" is not text (utf8). Fetch it again with fetch-columns.`,
  noColumn: (path: string, name: string, columns: readonly string[]) =>
    `--columns: ${path} has no column ${name} beside those of all neighbours. It has: ${columns.join(', ')}.`,
  shardWithoutSequences: (path: string) =>
    `${path} has no dataset "sequence" (one text a row), so its queries cannot be aligned. Add it, or pass their sequences as FASTA.`,
  noQuery: (id: string, paths: readonly string[]) =>
    `The query ${id} has no sequence in ${paths.length === 1 ? paths[0] : `the ${counted(paths.length, 'file')} of --queries`}. Pass the ` +
    'sequences of all queries (FASTA, or HDF5 with the dataset "sequence").',
  twoSequences: (path: string, id: string) =>
    `${path}: the query ${id} has another sequence than before. Ids of queries must be unique: rename or remove one.`,
  notSorted: (path: string, id: string) =>
    `${path}: the rows of the query ${id} are not after those of the query before, by id. Pass a file of merge-hits or fetch-columns.`,
  otherPart: (path: string, first: string) =>
    `${path} is no part of the same neighbours as ${first}: it has other columns or settings. Name the parts that align-neighbours wrote of one file.`,
  partOrder: (path: string, before: string) =>
    `${path}: its queries are not after those of ${before}. Name each part once, in the order of the ranges.`,
  noPartColumn: (path: string, name: string) =>
    `--columns: ${path} has no column ${name}. Keep it when the parts are aligned.`,
  noPartSequences: (path: string) =>
    `--fasta: ${path} has no column "sequence" (text). Keep it when the parts are aligned: --columns sequence,description.`,
  withoutSequence: (rows: number) =>
    `align-neighbours: ${counted(rows, 'neighbour')} without a sequence could not be aligned: their buckets keep none`,
} as const;
