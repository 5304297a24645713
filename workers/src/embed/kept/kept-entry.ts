import * as z from 'zod/mini';
import { COUNT, isRecord, parseJson, TEXT } from '../../base/text/document.ts';

/** The file that lists the others of an entry, which the pipeline's head writes: lib/EmbeddingCache.groovy. */
export const LIST = 'entry.json';

const FILE = z.object({
  /** Its name in the entry, or its address on S3. */
  path: TEXT,
  bytes: COUNT,
});
const ENTRY_LIST = z.object({
  version: z.literal(1),
  shard: FILE,
  description: FILE,
  report: FILE,
  skipped: z.optional(FILE),
});
export type EntryList = z.infer<typeof ENTRY_LIST>;

/** An embedded FASTA file, or a part of one, in the embedding cache. */
export interface KeptEntry {
  /** `<embedder>/<content>`, below the cache. */
  path: string;
  /** Files of the entry; undefined if its list is damaged, so that no run uses it. */
  files: EntryList | undefined;
  /** Of all files. */
  bytes: number;
  /** When it was last used; on S3, when it was made. */
  usedMs: number;
}

/** Parses the list of an entry's files. @returns undefined if it is damaged */
export function parseEntryList(text: string): EntryList | undefined {
  return z.safeParse(ENTRY_LIST, parseJson(text)).data;
}

/** Lists the files of an entry. */
export function filesOf({ shard, description, report, skipped }: EntryList): Array<EntryList['shard']> {
  return [shard, description, report, ...(skipped ? [skipped] : [])];
}

export function bytesOf(list: EntryList): number {
  return filesOf(list).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Returns the model that a task's report names. */
export function modelIn(report: string): string {
  const value = parseJson(report);
  return isRecord(value) && typeof value.model === 'string' ? value.model : 'unknown';
}

/**
 * Chooses the entries to remove: damaged ones, those that were not used since `sinceMs`, and of the others the longest unused, until at
 * most `mostBytes` remain.
 * @returns the chosen, longest unused first
 */
export function chooseRemoved(entries: readonly KeptEntry[], sinceMs: number, mostBytes: number): KeptEntry[] {
  let rest = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  return entries
    .toSorted((a, b) => a.usedMs - b.usedMs || (a.path < b.path ? -1 : 1))
    .filter(({ files, bytes, usedMs }) => {
      const isRemoved = files === undefined || usedMs < sinceMs || rest > mostBytes;
      if (isRemoved) rest -= bytes;
      return isRemoved;
    });
}
