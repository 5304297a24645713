import { ProtobufWriter, readFields } from '../../base/bytes/protobuf.ts';
import { joinManifest, MANIFEST, nextManifest, splitManifest } from './manifest-file.ts';

/** A data file of a table that is committed. */
export interface NewDataFile {
  /** Its name in the table's `data/`. */
  name: string;
  bytes: number;
}

/** A data file that becomes a fragment of a table, and the file of its kept columns if the table has any. */
export interface NewFragment extends NewDataFile {
  rows: number;
  keptColumns?: NewDataFile | undefined;
}

/** Columns of the first data file of a fragment where kept columns have another: `embedding` and `id`. */
export const OWN_COLUMNS = 2;

/** Fields of a column in a manifest, and the parent of columns at the top level. */
const COLUMN = { id: 3, parent: 4 };
const TOP = -1n;
/** The data format in the manifest is 2.0; the footers of the files have 0.3. */
const DATA_FORMAT_MAJOR = 2;
const APPEND = 100;

/** A new version of a table. */
export interface NewVersion {
  version: number;
  manifest: Uint8Array;
  /** The file in `_transactions/` that describes the change. */
  transaction: { name: string; bytes: Uint8Array };
}

/**
 * Returns the version of a table with its first rows, in the form in which LanceDB records an append.
 * @param manifest the manifest file of an empty table without nested columns
 * @param fragments in the order of their rows
 * @param uuid of the transaction
 * @throws RangeError if it is not such a manifest
 */
export function addFragments(
  manifest: Uint8Array,
  fragments: readonly NewFragment[],
  uuid: string,
  createdMs: number,
): NewVersion {
  const { fields, end } = splitManifest(manifest);
  if (fields.some(({ field }) => field === MANIFEST.fragments)) throw new RangeError('not a table without rows');
  const readVersion = Number(fields.find(({ field }) => field === MANIFEST.version)?.integer ?? 0n);
  const columns = fields.filter(({ field }) => field === MANIFEST.fields).map(({ bytes }) => columnId(bytes));

  const transaction = new ProtobufWriter().integer(1, readVersion).string(2, uuid);
  transaction.message(APPEND, (append) => {
    // LanceDB assigns ids when it commits: a transaction has none.
    for (const fragment of fragments) append.message(1, (message) => encodeFragment(message, fragment, 0, columns));
  });
  const section = transaction.finish();
  const name = `${readVersion}-${uuid}.txn`;

  const replaced = [MANIFEST.mostFragmentId, MANIFEST.transactionFile, MANIFEST.transactionSection];
  const next = nextManifest(fields, replaced, readVersion + 1, createdMs);
  for (const [id, fragment] of fragments.entries())
    next.message(MANIFEST.fragments, (message) => encodeFragment(message, fragment, id, columns));
  if (fragments.length > 0) next.integer(MANIFEST.mostFragmentId, fragments.length - 1);
  next.string(MANIFEST.transactionFile, name).integer(MANIFEST.transactionSection, 0);
  return {
    version: readVersion + 1,
    manifest: joinManifest(section, next.finish(), end),
    transaction: { name, bytes: section },
  };
}

/** @throws RangeError if the column is nested */
function columnId(column: Uint8Array): number {
  const find = (wanted: number) => readFields(column).find(({ field }) => field === wanted)?.integer ?? 0n;
  if (BigInt.asIntN(64, find(COLUMN.parent)) !== TOP) throw new RangeError('a nested column');
  return Number(find(COLUMN.id));
}

function encodeFragment(message: ProtobufWriter, fragment: NewFragment, id: number, columns: number[]) {
  if (id > 0) message.integer(1, id);
  const { rows, keptColumns } = fragment;
  encodeDataFile(message, fragment, keptColumns ? columns.slice(0, OWN_COLUMNS) : columns);
  if (keptColumns) encodeDataFile(message, keptColumns, columns.slice(OWN_COLUMNS));
  message.integer(4, rows);
}

/** @param columns the table's ids of the columns in the file, in its order */
function encodeDataFile(message: ProtobufWriter, { name, bytes }: NewDataFile, columns: readonly number[]): void {
  message.message(2, (file) => {
    file.string(1, name).packed(2, columns).packed(3, columns.keys());
    file.integer(4, DATA_FORMAT_MAJOR).integer(6, bytes);
  });
}
