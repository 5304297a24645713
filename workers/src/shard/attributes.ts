import { isUtf8 } from 'node:buffer';
import { MAX_ATTRIBUTE_BYTES, MAX_ATTRIBUTES_BYTES } from '../base/limits.ts';
import { unpadded } from './hdf5/file-bytes.ts';
import type { H5Metadata, H5Module } from './hdf5/h5wasm.ts';
import { withBuffer } from './hdf5/library.ts';
import type { Located } from './hdf5/locate.ts';
import type { ShardAttributes } from './shard.ts';
import { attributesUnreadable, identityContradicts, identityUnreadable } from './shard-messages.ts';

const CLASS = { integer: 0, float: 1, string: 3, enumeration: 8, sequence: 9, array: 10 } as const;
/** Attributes that identify the model. Without them, vectors of two models could be compared. */
const IDENTITY = ['model', 'model_hash'];

/**
 * Reads the attributes of a dataset that are texts or numbers, including arrays of one element; ignores others. `model` and `model_hash`
 * may also be attributes of the file.
 * @param stored number of attributes, if the object header has it
 * @throws DataError if `model` or `model_hash` cannot be read, or differs between file and dataset
 */
export function readAttributes(module: H5Module, located: Located, stored: number | undefined): ShardAttributes {
  const { path, file } = located.in;
  const names: string[] = module.get_attribute_names(file.file_id, located.path);
  if (stored !== undefined && names.length !== stored) throw attributesUnreadable(path);
  const own = new Map<string, string | number>();
  for (const name of names) {
    const value = readAttribute(module, located, name);
    if (value !== undefined) own.set(name, value);
    else if (IDENTITY.includes(name)) throw identityUnreadable(path, `attribute "${name}" of "embedding"`);
  }
  const root = { in: located.in, path: '/' };
  for (const name of module.get_attribute_names(file.file_id, '/').filter((each) => IDENTITY.includes(each))) {
    const value = readAttribute(module, root, name);
    if (value === undefined) throw identityUnreadable(path, `attribute "${name}" of the file`);
    if (own.has(name) && String(own.get(name)) !== String(value))
      throw identityContradicts(path, name, own.get(name), value);
    if (!own.has(name)) own.set(name, value);
  }
  return bounded(own);
}

/** Keeps the attributes that fit into MAX_ATTRIBUTES_BYTES, preferring those that identify the model. */
function bounded(all: ReadonlyMap<string, string | number>): ShardAttributes {
  const kept: [string, string | number][] = [];
  let left = MAX_ATTRIBUTES_BYTES;
  const isIdentity = ([name]: [string, unknown]) => IDENTITY.includes(name);
  const bytesOf = ([name, value]: [string, unknown]) => Buffer.byteLength(JSON.stringify([name, value]));
  for (const each of all) if (isIdentity(each)) left -= bytesOf(each);
  for (const each of all) {
    const byteLength = isIdentity(each) ? 0 : bytesOf(each);
    if (byteLength > left) continue;
    left -= byteLength;
    kept.push(each);
  }
  return Object.fromEntries(kept);
}

/** Reads an attribute as a text. @returns undefined unless it is one text or one number */
export function readTextAttribute(module: H5Module, located: Located, name: string): string | undefined {
  if (!module.get_attribute_names(located.in.file.file_id, located.path).includes(name)) return undefined;
  return readAttribute(module, located, name)?.toString();
}

/** Reads an attribute. @returns undefined unless it is one text or one finite number */
function readAttribute(module: H5Module, located: Located, name: string): string | number | undefined {
  const { file_id } = located.in.file;
  let metadata: H5Metadata;
  try {
    metadata = module.get_attribute_metadata(file_id, located.path, name);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw error;
    return undefined;
  }
  if (metadata.shape === null || metadata.total_size !== 1) return undefined;
  const { size } = metadata;
  if (!isReadable(metadata) || size > MAX_ATTRIBUTE_BYTES) return undefined;
  return withBuffer(module, size, (address) => {
    module.HEAPU8.fill(0, address, address + size);
    if (module.get_attribute_data(file_id, located.path, name, BigInt(address)) < 0) return undefined;
    try {
      return decode(module.HEAPU8, address, metadata);
    } finally {
      if (isPointer(metadata)) module.reclaim_vlen_memory(file_id, located.path, name, BigInt(address));
    }
  });
}

function isPointer(metadata: H5Metadata): boolean {
  return metadata.vlen || metadata.type === CLASS.sequence;
}

/** Returns whether a type is a text or a number. Floats of other sizes have no single format. */
function isReadable(metadata: H5Metadata): boolean {
  const { type, size } = metadata;
  if (type === CLASS.array) return metadata.array_type?.total_size === 1 && isReadable(metadata.array_type);
  if (type === CLASS.sequence) return metadata.vlen_type !== undefined && isReadable(metadata.vlen_type);
  if (type === CLASS.float) return size === 4 || size === 8;
  if (type === CLASS.integer || type === CLASS.enumeration) return [1, 2, 4, 8].includes(size);
  return type === CLASS.string;
}

function decode(heap: Uint8Array, address: number, metadata: H5Metadata): string | number | undefined {
  const { type, size, vlen, signed } = metadata;
  const view = new DataView(heap.buffer, address);
  if (type === CLASS.array) return decode(heap, address, metadata.array_type!);
  if (type === CLASS.sequence) {
    const [count, first] = [view.getUint32(0, true), view.getUint32(4, true)];
    return count === 1 && first !== 0 ? decode(heap, first, metadata.vlen_type!) : undefined;
  }
  if (type === CLASS.string) {
    const from = vlen ? view.getUint32(0, true) : address;
    if (from === 0) return undefined;
    const end = vlen ? heap.indexOf(0, from) : unpadded(heap, from, from + size, metadata.strpad ?? 0);
    return decodeText(heap.slice(from, end));
  }
  if (type === CLASS.float) {
    const value = size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
    return Number.isFinite(value) ? value : undefined;
  }
  if (size < 8) {
    const bits = view.getUint32(0, true);
    const unused = 32 - 8 * size;
    return signed ? (bits << unused) >> unused : (bits << unused) >>> unused;
  }
  const wide = signed ? view.getBigInt64(0, true) : view.getBigUint64(0, true);
  // Rounding could make two hashes equal.
  return Number.isSafeInteger(Number(wide)) ? Number(wide) : String(wide);
}

function decodeText(bytes: Uint8Array): string | undefined {
  return bytes.length <= MAX_ATTRIBUTE_BYTES && isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : undefined;
}
