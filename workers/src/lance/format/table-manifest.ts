import { readFields } from '../../base/bytes/protobuf.ts';
import { splitManifest } from './manifest-file.ts';

/** Reads a table's manifest (protos/table.proto of the Lance project): which files hold which rows. */

/** The parts of a manifest that LanceFlow reads. */
export interface TableManifest {
  version: number;
  /** Columns at the top level, by name. */
  columns: ReadonlyMap<string, ManifestColumn>;
  fragments: ManifestFragment[];
  /** The change that made this version: a file in `_transactions/`, or a position in the manifest's own file. */
  transaction: { file: string } | { offset: number } | undefined;
}

export interface ManifestColumn {
  id: number;
  /** Lance's name of its type: `fixed_size_list:float:960`. */
  type: string;
}

export interface ManifestFragment {
  id: number;
  rows: number;
  hasDeletions: boolean;
  /** File that lists the deleted rows. */
  deletions: DeletionFile | undefined;
  /** All fields of the fragment except its files, encoded. */
  rest: string;
  /** Paths relative to `data/`, and the ids of the columns in each file. */
  files: { path: string; columns: number[] }[];
}

/** A file of a fragment's deleted rows. */
export interface DeletionFile {
  /** Relative to the table's folder. */
  path: string;
  /** Deleted rows; 0 where an earlier client did not count them. */
  rows: number;
}

const MANIFEST = { fields: 1, fragments: 2, version: 3, transactionFile: 12, transactionOffset: 21 };
const COLUMN = { name: 2, id: 3, parentId: 4, type: 5 };
const FRAGMENT = { id: 1, files: 2, deletionFile: 3, rows: 4 };
const FILE = { path: 1, columns: 2 };
const DELETION = { type: 1, readVersion: 2, id: 3, rows: 4 };
/** File name extensions by type: an Arrow array, or a Roaring bitmap. */
const DELETION_TYPES = ['arrow', 'bin'];

/** Reads a manifest file. @throws RangeError if the bytes are not one */
export function readManifest(bytes: Uint8Array): TableManifest {
  const { fields } = splitManifest(bytes);
  const columns = new Map<string, ManifestColumn>();
  for (const { field, bytes: column } of fields) {
    if (field !== MANIFEST.fields) continue;
    const parts = fieldsByNumber(column);
    // Columns at the top level have the parent -1.
    if (Number(BigInt.asIntN(64, parts.get(COLUMN.parentId)?.integer ?? 0n)) >= 0) continue;
    columns.set(text(parts.get(COLUMN.name)), {
      id: Number(parts.get(COLUMN.id)?.integer ?? 0n),
      type: text(parts.get(COLUMN.type)),
    });
  }
  const find = (number: number) => fields.find(({ field }) => field === number);
  const [file, offset] = [find(MANIFEST.transactionFile), find(MANIFEST.transactionOffset)];
  return {
    version: Number(find(MANIFEST.version)?.integer ?? 0n),
    columns,
    fragments: fields.filter(({ field }) => field === MANIFEST.fragments).map((field) => readFragment(field.bytes)),
    transaction: offset ? { offset: Number(offset.integer) } : file && { file: text(file) },
  };
}

/**
 * Returns whether two versions of a table have the same values of columns in the same rows, judging by their files alone.
 * @param columns names, as in `base`
 */
export function haveSameRows(base: TableManifest, other: TableManifest, columns: readonly string[]): boolean {
  const ids = columns.map((name) => base.columns.get(name)?.id);
  const fileOf = ({ files }: ManifestFragment, id: number | undefined) =>
    files.find((file) => id !== undefined && file.columns.includes(id))?.path;
  return (
    base.fragments.length === other.fragments.length &&
    base.fragments.every((fragment, i) => {
      const now = other.fragments[i]!;
      return fragment.rest === now.rest && ids.every((id) => fileOf(fragment, id) === fileOf(now, id));
    })
  );
}

/** Reads a DataFragment message. */
export function readFragment(bytes: Uint8Array): ManifestFragment {
  const parts = fieldsByNumber(bytes);
  const fields = readFields(bytes);
  const files = fields.filter(({ field }) => field === FRAGMENT.files);
  const others = fields.filter(({ field }) => field !== FRAGMENT.files);
  const id = Number(parts.get(FRAGMENT.id)?.integer ?? 0n);
  const deletions = parts.get(FRAGMENT.deletionFile)?.bytes;
  return {
    id,
    rows: Number(parts.get(FRAGMENT.rows)?.integer ?? 0n),
    hasDeletions: deletions !== undefined,
    deletions: deletions && readDeletionFile(id, deletions),
    rest: others.map(({ raw }) => [...raw].join()).join(' '),
    files: files.map(({ bytes: file }) => {
      const inside = fieldsByNumber(file);
      return { path: text(inside.get(FILE.path)), columns: readPacked(inside.get(FILE.columns)?.bytes) };
    }),
  };
}

function readDeletionFile(fragment: number, bytes: Uint8Array): DeletionFile {
  const parts = fieldsByNumber(bytes);
  const integer = (field: number) => parts.get(field)?.integer ?? 0n;
  const extension = DELETION_TYPES[Number(integer(DELETION.type))];
  const version = integer(DELETION.readVersion);
  return {
    path: `_deletions/${fragment}-${version}-${integer(DELETION.id)}.${extension}`,
    rows: Number(integer(DELETION.rows)),
  };
}

function fieldsByNumber(message: Uint8Array): Map<number, ReturnType<typeof readFields>[number]> {
  return new Map(readFields(message).map((field) => [field.field, field]));
}

function text(field: { bytes: Uint8Array } | undefined): string {
  return field ? new TextDecoder().decode(field.bytes) : '';
}

/** Reads packed 32-bit integers; a negative one takes ten bytes. */
function readPacked(bytes: Uint8Array = new Uint8Array(0)): number[] {
  const values: number[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    values.push(Number(BigInt.asIntN(64, value)));
    [value, shift] = [0n, 0n];
  }
  return values;
}
