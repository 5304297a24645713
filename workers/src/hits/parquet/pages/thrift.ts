/** Values of Thrift's compact protocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md */
export type ThriftValue =
  | { type: typeof BOOLEAN_TRUE | typeof BOOLEAN_FALSE }
  | { type: typeof BYTE | typeof I16 | typeof I32 | typeof I64; value: number }
  | { type: typeof DOUBLE | typeof BINARY; bytes: Uint8Array }
  | { type: typeof LIST | typeof SET; elementType: number; values: ThriftValue[] }
  | { type: typeof STRUCT; fields: Map<number, ThriftValue> };

export type ThriftStruct = Extract<ThriftValue, { type: typeof STRUCT }>;

const BOOLEAN_TRUE = 1;
const BOOLEAN_FALSE = 2;
const BYTE = 3;
const I16 = 4;
const I32 = 5;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const SET = 10;
const STRUCT = 12;

/** Lists of more elements write their length after the head. */
const SHORT_LIST = 15;

/** Reads a struct. @throws RangeError if there is none */
export function readThrift(bytes: Uint8Array, start = 0): { value: ThriftStruct; end: number } {
  const reader = { bytes, at: start };
  return { value: readStruct(reader), end: reader.at };
}

/** Writes a struct, as its writer wrote it: fields in ascending order, each head as short as can be. */
export function writeThrift(value: ThriftStruct): Uint8Array {
  const into: number[] = [];
  writeValue(into, value);
  return Uint8Array.from(into);
}

/** Returns a field that is a whole number. @throws RangeError if it is missing */
export function numberField({ fields }: ThriftStruct, id: number): number {
  const field = fields.get(id);
  if (!field || !('value' in field)) throw new RangeError(`no number in field ${id}`);
  return field.value;
}

/** Adds to a field that is a whole number, if the struct has it. */
export function addToField({ fields }: ThriftStruct, id: number, by: number): void {
  const field = fields.get(id);
  if (field && 'value' in field) fields.set(id, { ...field, value: field.value + by });
}

/** Returns the structs of a field that is a list. @throws RangeError if it is missing */
export function structsIn({ fields }: ThriftStruct, id: number): ThriftStruct[] {
  const field = fields.get(id);
  if (!field || !('values' in field)) throw new RangeError(`no list in field ${id}`);
  return field.values as ThriftStruct[];
}

/** Returns a field that is a struct. @throws RangeError if it is missing */
export function structIn({ fields }: ThriftStruct, id: number): ThriftStruct {
  const field = fields.get(id);
  if (field?.type !== STRUCT) throw new RangeError(`no struct in field ${id}`);
  return field;
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

function readByte(reader: Reader): number {
  const byte = reader.bytes[reader.at++];
  if (byte === undefined) throw new RangeError('a Thrift value ends too early');
  return byte;
}

/** Exact below 2^53. */
function readVarint(reader: Reader): number {
  let number = 0;
  for (let scale = 1; scale < 2 ** 70; scale *= 128) {
    const byte = readByte(reader);
    number += (byte & 127) * scale;
    if (byte < 128) return number;
  }
  throw new RangeError('a number has no end');
}

function readStruct(reader: Reader): ThriftStruct {
  const fields = new Map<number, ThriftValue>();
  for (let id = 0; ; ) {
    const head = readByte(reader);
    if (head === 0) return { type: STRUCT, fields };
    id = head >> 4 === 0 ? unzigzag(readVarint(reader)) : id + (head >> 4);
    fields.set(id, readValue(reader, head & 15));
  }
}

function readValue(reader: Reader, type: number): ThriftValue {
  if (type === BOOLEAN_TRUE || type === BOOLEAN_FALSE) return { type };
  if (type === BYTE) return { type, value: (readByte(reader) << 24) >> 24 };
  if (type === I16 || type === I32 || type === I64) return { type, value: unzigzag(readVarint(reader)) };
  if (type === DOUBLE || type === BINARY)
    return { type, bytes: readBytes(reader, type === DOUBLE ? 8 : readVarint(reader)) };
  if (type === STRUCT) return readStruct(reader);
  if (type !== LIST && type !== SET) throw new RangeError(`a Thrift value of type ${type}`);
  const head = readByte(reader);
  const elementType = head & 15;
  const length = head >> 4 === SHORT_LIST ? readVarint(reader) : head >> 4;
  const values: ThriftValue[] = [];
  // In lists, a boolean is a byte.
  for (let i = 0; i < length; i++)
    values.push(elementType <= BOOLEAN_FALSE ? readValue(reader, readByte(reader)) : readValue(reader, elementType));
  return { type, elementType, values };
}

function readBytes(reader: Reader, length: number): Uint8Array {
  const bytes = reader.bytes.subarray(reader.at, reader.at + length);
  if (bytes.length < length) throw new RangeError('a Thrift value ends too early');
  reader.at += length;
  return bytes;
}

function writeValue(into: number[], value: ThriftValue): void {
  switch (value.type) {
    case BOOLEAN_TRUE:
    case BOOLEAN_FALSE:
      return;
    case BYTE:
      into.push(value.value & 255);
      return;
    case I16:
    case I32:
    case I64:
      writeVarint(into, value.value >= 0 ? value.value * 2 : -value.value * 2 - 1);
      return;
    case DOUBLE:
      into.push(...value.bytes);
      return;
    case BINARY:
      writeVarint(into, value.bytes.length);
      for (const byte of value.bytes) into.push(byte);
      return;
    case LIST:
    case SET:
      writeList(into, value.elementType, value.values);
      return;
    case STRUCT:
      writeFields(into, value.fields);
  }
}

function writeList(into: number[], elementType: number, values: readonly ThriftValue[]): void {
  into.push((Math.min(values.length, SHORT_LIST) << 4) | elementType);
  if (values.length >= SHORT_LIST) writeVarint(into, values.length);
  for (const value of values)
    if (elementType <= BOOLEAN_FALSE) into.push(value.type);
    else writeValue(into, value);
}

function writeFields(into: number[], fields: ReadonlyMap<number, ThriftValue>): void {
  let last = 0;
  for (const [id, value] of fields) {
    if (id > last && id - last <= 15) into.push(((id - last) << 4) | value.type);
    else {
      into.push(value.type);
      writeVarint(into, id >= 0 ? id * 2 : -id * 2 - 1);
    }
    writeValue(into, value);
    last = id;
  }
  into.push(0);
}

function writeVarint(into: number[], number: number): void {
  let rest = number;
  for (; rest >= 128; rest = Math.floor(rest / 128)) into.push((rest % 128) + 128);
  into.push(rest);
}

const unzigzag = (number: number) => (number % 2 === 0 ? number / 2 : -(number + 1) / 2);
