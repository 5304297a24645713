import { ProtobufWriter } from '../../base/bytes/protobuf.ts';

/**
 * Lance files of format 2.0: index files, whose columns are plain numbers, and what data files (data-file-format.ts) share
 * with them. Specification: protos/file2.proto and protos/encodings_v2_0.proto of the Lance project.
 */

/** A row id of LanceDB is its fragment times this, plus the row's position in the fragment. */
export const FRAGMENT_ROWS = 2 ** 32;

/** A column: one number per row, or `width` bytes per row. No row is null. */
export interface LanceColumn {
  name: string;
  type: 'uint64' | 'float' | 'bytes';
  /** Bytes per row. */
  width: number;
}

/** Rows of one column that lie end to end in the file. */
export interface LancePage {
  offset: number;
  bytes: number;
  rows: number;
  /** The first row, counted from the beginning of the file. */
  firstRow: number;
}

/** A range of a file. */
export interface ByteRange {
  offset: number;
  bytes: number;
}

/** A page of a column as the column's metadata describe it. */
export interface PageDescription {
  buffers: readonly ByteRange[];
  rows: number;
  /** A message of type ArrayEncoding: how the buffers hold the rows. */
  encoding: Uint8Array;
  /** The first row: readers fetch pages in this order. Absent, 0. */
  priority?: number | undefined;
}

/** The version in a file's footer. */
export interface FileVersion {
  major: number;
  minor: number;
}

/** The version of index files. */
export const INDEX_FILE_VERSION: FileVersion = { major: 2, minor: 0 };
/** The parent id of columns at the top. */
export const NO_PARENT = -1;
/** The encoding that a schema names for columns of numbers; readers of format 2 ignore it. */
export const PLAIN = 1;
/** Buffers begin at multiples of this position. */
export const ALIGNMENT = 64;
const FOOTER_BYTES = 40;

/** Encodes the first global buffer of a file: its schema, with metadata, and its row count. */
export function encodeFileDescriptor(
  columns: readonly LanceColumn[],
  rows: number,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const file = new ProtobufWriter();
  file.message(1, (schema) => {
    for (const [id, { name, type, width }] of columns.entries())
      schema.message(1, (field) => {
        field.string(2, name).integer(3, id).integer(4, NO_PARENT);
        field.string(5, type === 'bytes' ? `fixed_size_list:uint8:${width}` : type);
        field.integer(6, 1).integer(7, PLAIN);
      });
    for (const [key, value] of Object.entries(metadata))
      schema.message(5, (entry) => entry.string(1, key).string(2, value));
  });
  return file.integer(2, rows).finish();
}

/** Encodes the metadata of an index file's column. */
export function encodeIndexColumn(column: LanceColumn, pages: readonly LancePage[]): Uint8Array {
  const encoding = arrayEncoding(column);
  return encodeColumnMetadata(
    pages.map(({ offset, bytes, rows, firstRow }) => ({
      buffers: [{ offset, bytes }],
      rows,
      encoding,
      priority: firstRow,
    })),
  );
}

/** Encodes a column's metadata: the ranges of its pages, and their encodings. */
export function encodeColumnMetadata(pages: readonly PageDescription[]): Uint8Array {
  const writer = new ProtobufWriter();
  const values = new ProtobufWriter().message(1, () => {}).finish();
  writer.message(1, (location) => direct(location, encodeAny('/lance.encodings.ColumnEncoding', values)));
  for (const { buffers, rows, encoding, priority } of pages)
    writer.message(2, (page) => {
      page.packed(
        1,
        buffers.map(({ offset }) => offset),
      );
      page.packed(
        2,
        buffers.map(({ bytes }) => bytes),
      );
      page.integer(3, rows);
      page.message(4, (location) => direct(location, encodeAny('/lance.encodings.ArrayEncoding', encoding)));
      if (priority !== undefined) page.integer(5, priority);
    });
  return writer.finish();
}

/**
 * Encodes the end of a file: the ranges of the columns' metadata and of the global buffers, then the footer.
 * @param at the position at which it begins
 */
export function encodeFooter(
  at: number,
  columns: readonly ByteRange[],
  globalBuffers: readonly ByteRange[],
  version: FileVersion,
): Uint8Array {
  const whole = new Uint8Array(16 * (columns.length + globalBuffers.length) + FOOTER_BYTES);
  const view = new DataView(whole.buffer);
  for (const [i, { offset, bytes }] of [...columns, ...globalBuffers].entries()) {
    view.setBigUint64(16 * i, BigInt(offset), true);
    view.setBigUint64(16 * i + 8, BigInt(bytes), true);
  }
  const footer = whole.length - FOOTER_BYTES;
  view.setBigUint64(footer, BigInt(columns[0]?.offset ?? at), true);
  view.setBigUint64(footer + 8, BigInt(at), true);
  view.setBigUint64(footer + 16, BigInt(at + 16 * columns.length), true);
  view.setUint32(footer + 24, globalBuffers.length, true);
  view.setUint32(footer + 28, columns.length, true);
  view.setUint16(footer + 32, version.major, true);
  view.setUint16(footer + 34, version.minor, true);
  whole.set(new TextEncoder().encode('LANC'), footer + 36);
  return whole;
}

function direct(location: ProtobufWriter, encoding: Uint8Array): void {
  location.message(2, (inner) => inner.bytes(1, encoding));
}

function encodeAny(typeUrl: string, value: Uint8Array): Uint8Array {
  return new ProtobufWriter().string(1, typeUrl).bytes(2, value).finish();
}

/** Encodes the ArrayEncoding of values end to end in the page's only buffer, none of them null. */
function arrayEncoding({ type, width }: LanceColumn): Uint8Array {
  const flat = (bits: number) => (encoding: ProtobufWriter) =>
    encoding.message(1, (inner) => inner.integer(1, bits).message(2, () => {}));
  const values =
    type === 'bytes'
      ? (encoding: ProtobufWriter) => encoding.message(3, (list) => list.integer(1, width).message(2, flat(8)))
      : flat(8 * width);
  return new ProtobufWriter().message(2, (nullable) => nullable.message(1, (none) => none.message(1, values))).finish();
}
