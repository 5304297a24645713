import * as z from 'zod/mini';
import { hasChecksum } from '../../base/bytes/checksum.ts';
import { DataError } from '../../base/errors.ts';
import { CHECKSUM, checkDocument, INNER_PATH, parseSealed, SIZE } from '../../base/text/document.ts';
import { damagedRecord } from '../database-messages.ts';
import type { TableReader } from '../table-reader.ts';

/**
 * `_pending/<bucket>.revision`: the next version of a table, which is written before its catalog entry. Until the entry names it, searches
 * use the version before, and know by this file that no other client made the new one.
 */
export type RevisionIntent = z.infer<typeof REVISION_INTENT>;
const REVISION_INTENT = z.object({
  version: z.literal(1),
  tableVersion: SIZE,
  /** Checksum of the manifest. */
  manifest: CHECKSUM,
  /** Files of the version that earlier ones do not have, in the table's folder: the manifest first. */
  files: z.array(INNER_PATH),
});

/** Returns the path of a bucket's intent in the database. */
export function intentPath(bucket: string): string {
  return `_pending/${bucket}.revision`;
}

/** Reads a bucket's intent; undefined if it has none. @throws DataError if it is damaged */
export async function readIntent(
  tables: Pick<TableReader, 'read' | 'size'>,
  bucket: string,
): Promise<RevisionIntent | undefined> {
  const path = intentPath(bucket);
  if ((await tables.size(path)) === undefined) return undefined;
  const fail = (problem: string) => new DataError(damagedRecord(path, 'record of a deletion', problem));
  const content = await tables.read(path).catch(async (error: unknown) => {
    // The deletion has ended meanwhile.
    if ((await tables.size(path)) === undefined) return undefined;
    throw error;
  });
  if (!content) return undefined;
  const text = new TextDecoder().decode(content);
  return checkDocument(REVISION_INTENT, parseSealed(text, fail), fail);
}

/** Returns whether a version of a table is the one of its intent. @param manifest its content */
export function isIntended(intent: RevisionIntent | undefined, version: number, manifest: Uint8Array): boolean {
  return intent?.tableVersion === version && hasChecksum(manifest, intent.manifest);
}
