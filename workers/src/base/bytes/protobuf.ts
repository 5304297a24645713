import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Writes protobuf messages field by field. Integers are encoded as int64; int32 has the same encoding. */
export class ProtobufWriter {
  readonly #wire = new BinaryWriter();

  /** @throws RangeError if the number is not a safe integer */
  integer(field: number, value: number): this {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`);
    this.#wire.tag(field, WireType.Varint).int64(value);
    return this;
  }

  float(field: number, value: number): this {
    this.#wire.tag(field, WireType.Bit32).float(value);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#wire.tag(field, WireType.LengthDelimited).bytes(value);
    return this;
  }

  string(field: number, value: string): this {
    this.#wire.tag(field, WireType.LengthDelimited).string(value);
    return this;
  }

  /** Writes a message inside this one. @param write gets this writer, whose fields are those of the inner message until it returns */
  message(field: number, write: (writer: this) => void): this {
    this.#wire.tag(field, WireType.LengthDelimited).fork();
    write(this);
    this.#wire.join();
    return this;
  }

  /** Writes repeated integers of proto2, which ONNX uses: one field per integer. */
  integers(field: number, values: readonly number[]): this {
    for (const value of values) this.integer(field, value);
    return this;
  }

  /** Writes repeated integers of proto3, which are packed. */
  packed(field: number, values: Iterable<number>): this {
    this.#wire.tag(field, WireType.LengthDelimited).fork();
    for (const value of values) this.#wire.uint64(value);
    this.#wire.join();
    return this;
  }

  /** Copies a field of another message. */
  copy({ raw }: ProtobufField): this {
    this.#wire.raw(raw);
    return this;
  }

  finish(): Uint8Array {
    return this.#wire.finish();
  }
}

/** One field of a message. */
export interface ProtobufField {
  field: number;
  /** The content of a length-delimited field, or of a number of fixed length; empty for varints. */
  bytes: Uint8Array;
  /** The value of a varint; 0 for other types. */
  integer: bigint;
  /** The whole field, tag included. */
  raw: Uint8Array;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Parses the fields of a message, in order. @throws RangeError if the bytes are not a message */
export function readFields(message: Uint8Array): ProtobufField[] {
  const fields: ProtobufField[] = [];
  readAll(message, (reader) => {
    const start = reader.pos;
    const [field, type] = reader.tag();
    let integer = 0n;
    let bytes = NO_BYTES;
    if (type === WireType.Varint) integer = BigInt(reader.uint64());
    else if (type === WireType.LengthDelimited) bytes = reader.bytes();
    else if (type === WireType.Bit32 || type === WireType.Bit64) bytes = reader.skip(type);
    // Groups are of proto1, and no format here has them.
    else throw new Error(`wire type ${type}`);
    fields.push({ field, bytes, integer, raw: message.subarray(start, reader.pos) });
  });
  return fields;
}

/** Parses packed integers. @throws RangeError if the last one is truncated */
export function readPacked(bytes: Uint8Array): number[] {
  const values: number[] = [];
  readAll(bytes, (reader) => values.push(Number(reader.uint64())));
  return values;
}

/** Reads to the end of the bytes. @throws RangeError for every error of the library */
function readAll(bytes: Uint8Array, read: (reader: BinaryReader) => void): void {
  const reader = new BinaryReader(bytes);
  try {
    while (reader.pos < bytes.length) read(reader);
  } catch (error) {
    throw new RangeError('not a protobuf message', { cause: error });
  }
  if (reader.pos > bytes.length) throw new RangeError('the protobuf message is truncated');
}
