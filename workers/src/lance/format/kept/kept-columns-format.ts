import { ProtobufWriter } from '../../../base/bytes/protobuf.ts';
import type { Column, ColumnType } from '../../../base/columns/column-type.ts';
import { NO_PARENT, PLAIN } from '../file-format.ts';

/**
 * Data files of kept columns: format 2.0, encoded as LanceDB encodes nullable columns, the texts compressed by zstd.
 * Specification: protos/file.proto and protos/encodings_v2_0.proto of the Lance project.
 */

const TYPE_NAMES: Record<ColumnType, string> = { utf8: 'string', int64: 'int64', float64: 'double' };
/** The encoding that a schema names for columns of variable length. */
const VARIABLE = 2;

/** Encodes the first global buffer of a file: its schema and its row count. @param firstId the table's id of the first column */
export function encodeKeptDescriptor(columns: readonly Column[], firstId: number, rows: number): Uint8Array {
  const file = new ProtobufWriter().message(1, (schema) => {
    for (const [i, { name, type }] of columns.entries())
      schema.message(1, (field) => {
        field
          .string(2, name)
          .integer(3, firstId + i)
          .integer(4, NO_PARENT)
          .string(5, TYPE_NAMES[type]);
        field.integer(6, 1).integer(7, type === 'utf8' ? VARIABLE : PLAIN);
      });
  });
  return file.integer(2, rows).finish();
}

type Encode = (encoding: ProtobufWriter) => void;

/**
 * Encodes the ArrayEncoding of a page of texts: its first buffer has the end of each row as a 64-bit number, its second the compressed
 * UTF-8 of all rows.
 * @param nullMark what is added to the end of a null row: more than the bytes of all rows
 */
export function keptTextEncoding(nullMark: number, isCompressed: boolean): Uint8Array {
  const binary = new ProtobufWriter().message(6, (page) => {
    page.message(
      1,
      nullable(1, (none) => none.message(1, flat(64, 0))),
    );
    page.message(2, flat(8, 1, isCompressed));
    page.integer(3, nullMark);
  });
  return binary.finish();
}

/** Encodes the ArrayEncoding of a page of numbers, whose only buffer has 8 bytes a row. */
export function keptNumberEncoding(): Uint8Array {
  return finish(nullable(1, (none) => none.message(1, flat(64, 0))));
}

/** Encodes the ArrayEncoding of a page of numbers of which some are null: a bit a row that tells which are not, then 8 bytes a row. */
export function nullableNumberEncoding(): Uint8Array {
  return finish(nullable(2, (some) => some.message(1, flat(1, 0)).message(2, flat(64, 1))));
}

/** Values of a fixed number of bits in one of the page's buffers. */
function flat(bits: number, buffer: number, isCompressed = false): Encode {
  const place = (message: ProtobufWriter) => {
    if (buffer > 0) message.integer(1, buffer);
  };
  return (encoding) =>
    encoding.message(1, (inner) => {
      inner.integer(1, bits).message(2, place);
      if (isCompressed) inner.message(3, (compression) => compression.string(1, 'zstd'));
    });
}

/** @param kind 1: no row is null, 2: some are */
function nullable(kind: 1 | 2, encode: Encode): Encode {
  return (encoding) => encoding.message(2, (message) => message.message(kind, encode));
}

function finish(encode: Encode): Uint8Array {
  const writer = new ProtobufWriter();
  encode(writer);
  return writer.finish();
}
