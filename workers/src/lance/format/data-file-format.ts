import { ProtobufWriter } from '../../base/bytes/protobuf.ts';
import { COMPONENT_BYTES, type VectorType } from '../../vectors/vector-type.ts';
import { type FileVersion, NO_PARENT, PLAIN } from './file-format.ts';

/**
 * Data files of format 2.0, encoded as LanceDB encodes them: vectors and texts without nulls, uncompressed.
 * Specification: protos/file.proto and protos/encodings_v2_0.proto of the Lance project.
 */

/** The columns of a data file, in the order of the table's schema: the vectors, then texts. */
export interface DataColumns {
  vectors: { name: string; type: VectorType; dimension: number };
  /** Names of utf8 columns. */
  texts: readonly string[];
}

/** The version in the footer of a file of data format 2.0. */
export const DATA_FILE_VERSION: FileVersion = { major: 0, minor: 3 };
/** Fills the space between buffers. */
export const PADDING = 'H'.charCodeAt(0);

/** Lance's names of component types. */
const COMPONENT_NAMES: Record<VectorType, string> = { float32: 'float', float16: 'halffloat' };
/** The encoding that a schema names for columns of variable length. */
const VARIABLE = 2;

/** Returns the byte count of one vector. */
export function vectorBytes({ type, dimension }: DataColumns['vectors']): number {
  return dimension * COMPONENT_BYTES[type];
}

/** Encodes the first global buffer of a file: its schema and its row count. */
export function encodeDataDescriptor({ vectors, texts }: DataColumns, rows: number): Uint8Array {
  const { name, type, dimension } = vectors;
  const fields = [
    { name, type: `fixed_size_list:${COMPONENT_NAMES[type]}:${dimension}`, encoding: PLAIN },
    ...texts.map((text) => ({ name: text, type: 'string', encoding: VARIABLE })),
  ];
  const file = new ProtobufWriter().message(1, (schema) => {
    for (const [id, field] of fields.entries())
      schema.message(1, (message) => {
        message.string(2, field.name);
        if (id > 0) message.integer(3, id);
        message.integer(4, NO_PARENT).string(5, field.type).integer(6, 1).integer(7, field.encoding);
      });
  });
  return file.integer(2, rows).finish();
}

/** Encodes the ArrayEncoding of a page of vectors: the components end to end in its only buffer. */
export function vectorEncoding({ type, dimension }: DataColumns['vectors']): Uint8Array {
  const components = flat(8 * COMPONENT_BYTES[type], 0);
  const list = (encoding: ProtobufWriter) =>
    encoding.message(3, (fixed) => fixed.integer(1, dimension).message(2, withoutNulls(components)));
  const whole = new ProtobufWriter();
  withoutNulls(list)(whole);
  return whole.finish();
}

/**
 * Encodes the ArrayEncoding of a page of texts: its first buffer has the end of each row as a 64-bit number, its second the UTF-8.
 * @param bytes of the second buffer
 */
export function textEncoding(bytes: number): Uint8Array {
  const binary = new ProtobufWriter().message(6, (page) => {
    page.message(1, withoutNulls(flat(64, 0)));
    page.message(2, flat(8, 1));
    // Larger ends mark nulls.
    page.integer(3, bytes + 1);
  });
  return binary.finish();
}

type Encode = (encoding: ProtobufWriter) => void;

/** Values of a fixed number of bits in one of the page's buffers. */
function flat(bits: number, buffer: number): Encode {
  const place = (message: ProtobufWriter) => {
    if (buffer > 0) message.integer(1, buffer);
  };
  return (encoding) => encoding.message(1, (inner) => inner.integer(1, bits).message(2, place));
}

function withoutNulls(values: Encode): Encode {
  return (encoding) => encoding.message(2, (nullable) => nullable.message(1, (none) => none.message(1, values)));
}
