import { isUtf8 } from 'node:buffer';
import { DataError } from '../base/errors.ts';
import { MAX_ATTRIBUTE_BYTES, MAX_ATTRIBUTES_BYTES } from '../base/limits.ts';
import type { H5Metadata, H5Module } from './hdf5/h5wasm.ts';
import { withBuffer } from './hdf5/library.ts';
import type { Located } from './hdf5/locate.ts';
import { unpadded } from './hdf5/text.ts';
import type { ShardAttributes } from './shard.ts';

const CLASS = { integer: 0, float: 1, string: 3, enumeration: 8, sequence: 9, array: 10 } as const;
/** Attributes whose absence would let vectors of two models be compared. */
const IDENTITY = ['model', 'model_hash'];

/**
 * Reads the attributes of a dataset: texts and numbers, also as arrays of one element. `model` and `model_hash` may be those of
 * the file. What is neither is left out.
 * @param stored how many there are, where the object header tells
 * @throws DataError where `model` or `model_hash` cannot be read, or file and dataset do not agree about them
 */
export function readAttributes(module: H5Module, located: Located, stored: number | undefined): ShardAttributes {
  const { path, file } = located.in;
  const names: string[] = module.get_attribute_names(file.file_id, located.path);
  if (stored !== undefined && names.length !== stored)
    throw new DataError(`${path}: the attributes of "embedding" cannot be listed; the file is damaged.`);
  const own = new Map<string, string | number>();
  for (const name of names) {
    const value = readAttribute(module, located, name);
    if (value !== undefined) own.set(name, value);
    else if (IDENTITY.includes(name)) throw unreadable(path, `attribute "${name}" of "embedding"`);
  }
  const root = { in: located.in, path: '/' };
  for (const name of module.get_attribute_names(file.file_id, '/').filter((each) => IDENTITY.includes(each))) {
    const value = readAttribute(module, root, name);
    if (value === undefined) throw unreadable(path, `attribute "${name}" of the file`);
    if (own.has(name) && String(own.get(name)) !== String(value))
      throw new DataError(
        `${path}: "${name}" is ${JSON.stringify(own.get(name))} on "embedding" and ${JSON.stringify(value)} on the file. ` +
          'Correct the wrong one: vectors of two models cannot be compared.',
      );
    if (!own.has(name)) own.set(name, value);
  }
  return bounded(own);
}

function unreadable(path: string, what: string): DataError {
  return new DataError(
    `${path}: ${what} is neither one text nor one number, so it cannot be compared with that of other shards. ` +
      'Write it as a text (h5py: f["embedding"].attrs["model"] = "name").',
  );
}

/** The attributes that fit, those of identity first. */
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

/** @returns undefined for what is neither one text nor one finite number */
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

/** Classes that may hold a text or a number; float16 and longer floats may be of any form. */
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
  // Rounded, two hashes could become one.
  return Number.isSafeInteger(Number(wide)) ? Number(wide) : String(wide);
}

function decodeText(bytes: Uint8Array): string | undefined {
  return bytes.length <= MAX_ATTRIBUTE_BYTES && isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : undefined;
}
