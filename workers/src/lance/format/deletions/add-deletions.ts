import { ProtobufWriter, readFields } from '../../../base/bytes/protobuf.ts';
import type { NewVersion } from '../add-fragments.ts';
import { joinManifest, MANIFEST, messageAt, nextManifest, splitManifest } from '../manifest-file.ts';
import { encodeBitmap } from '../roaring.ts';

/** Field numbers of the messages DataFragment and DeletionFile. */
const FRAGMENT = { id: 1, deletionFile: 3 };
const DELETION = { type: 1, readVersion: 2, id: 3, rows: 4 };
const BITMAP = 1;
const DELETE = 101;
/** Readers and writers that do not know deletion files must refuse the table. */
const USES_DELETION_FILES = 1;

/** A version of a table in which rows are deleted. */
export interface DeletingVersion extends NewVersion {
  /** The new files of deleted rows, by their paths in the table's folder. */
  deletions: { path: string; bytes: Uint8Array }[];
}

/**
 * Returns the next version of a table, in which more rows are deleted, in the form in which LanceDB records a deletion. Other than
 * LanceDB, it keeps fragments whose rows are all deleted, so that the position of each fragment remains its id.
 * @param manifest the newest manifest file
 * @param deleted for fragments by id: the positions of all rows that are deleted from now on, ascending
 * @param uuid of the transaction @param id random, part of the names of files
 * @throws RangeError if it is not a manifest
 */
export function addDeletions(
  manifest: Uint8Array,
  deleted: ReadonlyMap<number, Uint32Array>,
  uuid: string,
  id: number,
  createdMs: number,
): DeletingVersion {
  const { fields, end } = splitManifest(manifest);
  const integerOf = (wanted: number) => fields.find(({ field }) => field === wanted)?.integer;
  const readVersion = Number(integerOf(MANIFEST.version) ?? 0n);
  const fragments = fields.filter(({ field }) => field === MANIFEST.fragments).map(({ bytes }) => bytes);
  const idOf = (fragment: Uint8Array) =>
    Number(readFields(fragment).find(({ field }) => field === FRAGMENT.id)?.integer ?? 0n);
  const copyFragment = (fragment: Uint8Array) => (message: ProtobufWriter) => {
    const rows = deleted.get(idOf(fragment));
    for (const field of readFields(fragment))
      if (rows === undefined || field.field !== FRAGMENT.deletionFile) message.copy(field);
    if (rows !== undefined)
      message.message(FRAGMENT.deletionFile, (file) => {
        file.integer(DELETION.type, BITMAP).integer(DELETION.readVersion, readVersion);
        file.integer(DELETION.id, id).integer(DELETION.rows, rows.length);
      });
  };

  const transaction = new ProtobufWriter().integer(1, readVersion).string(2, uuid);
  transaction.message(DELETE, (change) => {
    for (const fragment of fragments) if (deleted.has(idOf(fragment))) change.message(1, copyFragment(fragment));
  });
  const transactionBytes = transaction.finish();
  const name = `${readVersion}-${uuid}.txn`;

  const { indexSection, transactionFile, transactionSection, readerFlags, writerFlags } = MANIFEST;
  const replaced = [MANIFEST.fragments, indexSection, transactionFile, transactionSection, readerFlags, writerFlags];
  const next = nextManifest(fields, replaced, readVersion + 1, createdMs);
  for (const fragment of fragments) next.message(MANIFEST.fragments, copyFragment(fragment));
  for (const flags of [readerFlags, writerFlags])
    next.integer(flags, Number(integerOf(flags) ?? 0n) | USES_DELETION_FILES);
  next.string(transactionFile, name);
  const indices = integerOf(indexSection);
  // The file has one section: the indices, or the transaction, which has a file of its own.
  next.integer(indices === undefined ? transactionSection : indexSection, 0);
  const section = indices === undefined ? transactionBytes : messageAt(manifest, Number(indices));
  return {
    version: readVersion + 1,
    manifest: joinManifest(section, next.finish(), end),
    transaction: { name, bytes: transactionBytes },
    deletions: Array.from(deleted, ([fragment, rows]) => ({
      path: `_deletions/${fragment}-${readVersion}-${id}.bin`,
      bytes: encodeBitmap(rows),
    })),
  };
}
