const encoder = new TextEncoder();

/** Wire types of the protobuf encoding. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Writes protobuf messages field by field. Integers are encoded as int64; int32 has the same encoding. */
export class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];
  #byteCount = 0;

  /** @throws RangeError if the number is not a safe integer */
  integer(field: number, value: number): this {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`);
    this.#tag(field, VARINT);
    return this.#append(varint(BigInt.asUintN(64, BigInt(value))));
  }

  float(field: number, value: number): this {
    this.#tag(field, FIXED32);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#append(bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, LENGTH_DELIMITED);
    this.#append(varint(BigInt(value.length)));
    return this.#append(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  message(field: number, write: (writer: ProtobufWriter) => void): this {
    const inner = new ProtobufWriter();
    write(inner);
    this.#tag(field, LENGTH_DELIMITED);
    this.#append(varint(BigInt(inner.#byteCount)));
    for (const part of inner.#parts) this.#append(part);
    return this;
  }

  /** Writes repeated integers of proto2, which ONNX uses: one field per integer. */
  integers(field: number, values: readonly number[]): this {
    for (const value of values) this.integer(field, value);
    return this;
  }

  /** Writes repeated integers of proto3, which are packed. */
  packed(field: number, values: Iterable<number>): this {
    const bytes: number[] = [];
    for (const value of values) {
      let rest = value;
      // Bit operators would cut the number to 32 bits.
      for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
      bytes.push(rest);
    }
    return this.bytes(field, Uint8Array.from(bytes));
  }

  /** Copies a field of another message. */
  copy({ raw }: ProtobufField): this {
    return this.#append(raw);
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#byteCount);
    let position = 0;
    for (const part of this.#parts) {
      whole.set(part, position);
      position += part.length;
    }
    return whole;
  }

  #tag(field: number, wireType: number): void {
    this.#append(varint(BigInt(field * 8 + wireType)));
  }

  #append(part: Uint8Array): this {
    this.#parts.push(part);
    this.#byteCount += part.length;
    return this;
  }
}

/** One field of a message. */
export interface ProtobufField {
  field: number;
  /** The content of a length-delimited field; empty for numbers. */
  bytes: Uint8Array;
  /** The value of a varint; 0 for other types. */
  integer: bigint;
  /** The whole field, tag included. */
  raw: Uint8Array;
}

/** Parses the fields of a message, in order. @throws RangeError if the bytes are not a message */
export function readFields(message: Uint8Array): ProtobufField[] {
  const fields: ProtobufField[] = [];
  let at = 0;
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined || shift > 63n) throw new RangeError('not a protobuf message');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const start = at;
    const tag = Number(readVarint());
    const wireType = tag % 8;
    const integer = wireType === VARINT ? readVarint() : 0n;
    let length = 0;
    if (wireType === LENGTH_DELIMITED) length = Number(readVarint());
    else if (wireType === FIXED64) length = 8;
    else if (wireType === FIXED32) length = 4;
    else if (wireType !== VARINT) throw new RangeError(`not a protobuf message: wire type ${wireType}`);
    if (at + length > message.length) throw new RangeError('the protobuf message is truncated');
    const bytes = message.subarray(at, at + length);
    at += length;
    fields.push({ field: Math.floor(tag / 8), bytes, integer, raw: message.subarray(start, at) });
  }
  return fields;
}

/** Parses packed integers. @throws RangeError if the last one is truncated */
export function readPacked(bytes: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    // Bit operators would cut the number to 32 bits.
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte >= 0x80) continue;
    values.push(value);
    value = 0;
    scale = 1;
  }
  if (scale !== 1) throw new RangeError('the packed integers are truncated');
  return values;
}

/** Encodes seven bits per byte, the lowest first; the high bit marks that another byte follows. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
