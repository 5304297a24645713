const encoder = new TextEncoder();

/** Wire types of the protobuf encoding that ONNX uses. */
const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/**
 * Writes protobuf messages field by field. Integers are encoded as int64 (the only integer type of ONNX's
 * messages beside int32, which encodes the same).
 */
export class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];
  #byteCount = 0;

  /** @throws RangeError where the number is no safe integer */
  integer(field: number, value: number): this {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no integer`);
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

  /** Repeated integers as ONNX declares them: one field each. */
  integers(field: number, values: readonly number[]): this {
    for (const value of values) this.integer(field, value);
    return this;
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

/** Seven bits a byte, the lowest first; the high bit says that another byte follows. */
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
