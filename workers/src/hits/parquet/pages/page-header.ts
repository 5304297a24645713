/** The header of a page of a Parquet column: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift. */
export interface PageHeader {
  kind: 'dictionary' | 'data';
  /** Byte counts of the page after the header, as stored and decompressed. */
  storedBytes: number;
  pageBytes: number;
  values: number;
  encoding: number;
  /** Position where the header ends and the page begins. */
  end: number;
}

/** Page types, by their numbers in Parquet. */
const PAGE_KINDS: Record<number, PageHeader['kind']> = { 0: 'data', 2: 'dictionary' };
/** Thrift's compact protocol: types of fields. */
const THRIFT = { true: 1, false: 2, byte: 3, int64: 6, double: 7, binary: 8, list: 9, set: 10, struct: 12 } as const;

/**
 * Reads the header of the page that begins at `start`: a struct in Thrift's compact protocol.
 * @throws RangeError if the bytes are not a page header, or of a kind that `createTable` does not write
 */
export function readPageHeader(bytes: Uint8Array, start: number): PageHeader {
  const fields = new Map<string, number>();
  const end = readStruct(bytes, start, '', fields);
  const kind = PAGE_KINDS[fields.get('1') ?? -1];
  const at = kind === 'data' ? '5' : '7';
  const header = {
    kind: kind!,
    pageBytes: fields.get('2')!,
    storedBytes: fields.get('3')!,
    values: fields.get(`${at}.1`)!,
    encoding: fields.get(`${at}.2`)!,
    end,
  };
  const { pageBytes, storedBytes, values, encoding } = header;
  if (!kind || ![pageBytes, storedBytes, values, encoding].every((number) => number >= 0))
    throw new RangeError('no page header where one is expected');
  if (end + storedBytes > bytes.length) throw new RangeError('a page exceeds its column');
  return header;
}

/** Collects the integers of a struct, by the path of their field numbers. @returns the end of the struct */
function readStruct(bytes: Uint8Array, start: number, path: string, fields: Map<string, number>): number {
  let at = start;
  let id = 0;
  for (;;) {
    const head = byteAt(bytes, at++);
    if (head === 0) return at;
    if (head >> 4 === 0) {
      const [number, next] = readVarint(bytes, at);
      id = unzigzag(number);
      at = next;
    } else id += head >> 4;
    at = readValue(bytes, at, head & 15, `${path}${id}`, fields);
  }
}

function readValue(bytes: Uint8Array, at: number, type: number, path: string, fields: Map<string, number>): number {
  if (type === THRIFT.true || type === THRIFT.false) return at;
  if (type === THRIFT.byte) return at + 1;
  if (type === THRIFT.double) return at + 8;
  if (type === THRIFT.struct) return readStruct(bytes, at, `${path}.`, fields);
  if (type === THRIFT.list || type === THRIFT.set || type > THRIFT.struct)
    throw new RangeError('a page header has a field of an unexpected type');
  const [number, next] = readVarint(bytes, at);
  if (type === THRIFT.binary) return next + number;
  fields.set(path, unzigzag(number));
  return next;
}

/** Reads a variable-length integer. @returns the number, exact below 2^53, and its end */
export function readVarint(bytes: Uint8Array, start: number): [number: number, end: number] {
  let number = 0;
  let scale = 1;
  for (let at = start; at < start + 10; at++) {
    const byte = byteAt(bytes, at);
    number += (byte & 127) * scale;
    if (byte < 128) return [number, at + 1];
    scale *= 128;
  }
  throw new RangeError('a number has no end');
}

const unzigzag = (number: number) => (number % 2 === 0 ? number / 2 : -(number + 1) / 2);

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError('a column ends too early');
  return byte;
}
