import { openSync } from 'node:fs';
import h5wasm, { type H5Module } from './h5wasm.ts';
import { failedRead, OutOfMemory } from './hdf5-messages.ts';
import type { Located } from './locate.ts';

let loaded: Promise<H5Module> | undefined;

/**
 * Returns the HDF5 library (h5wasm), loaded once. Its diagnostics, ten lines of C call stack for each error, are discarded: readers
 * and writers turn each failure into one message.
 */
export function hdf5(): Promise<H5Module> {
  loaded ??= h5wasm.ready.then((module) => {
    const stderr = module.FS.streams[2];
    if (stderr) stderr.nfd = openSync('/dev/null', 'w');
    return module;
  });
  return loaded;
}

/** Runs `use` with the address of `byteLength` bytes of the library's memory. @throws OutOfMemory */
export function withBuffer<T>(module: H5Module, byteLength: number, use: (address: number) => T): T {
  const address = module._malloc(Math.max(1, byteLength));
  if (address === 0) throw new OutOfMemory(byteLength);
  try {
    return use(address);
  } finally {
    module._free(address);
  }
}

/**
 * Reads a rectangle of a dataset, of any rank.
 * @param path of the shard, for messages @param row the first one, and their count, for messages
 * @param into as many bytes as the rectangle has
 * @throws DataError
 */
export function readBox(
  module: H5Module,
  { path, name, located }: { path: string; name: string; located: Located },
  start: readonly number[],
  size: readonly number[],
  row: number,
  count: number,
  into: Uint8Array,
): void {
  const { file_id } = located.in.file;
  try {
    withBuffer(module, into.length, (address) => {
      const [extent, offset, stride] = [size.map(BigInt), start.map(BigInt), size.map(() => 1n)];
      const status = module.get_dataset_data(file_id, located.path, extent, offset, stride, BigInt(address));
      if (status < 0) throw failedRead(path, name, row, count);
      into.set(module.HEAPU8.subarray(address, address + into.length));
    });
  } catch (error) {
    if (!(error instanceof OutOfMemory)) throw error;
    throw failedRead(path, name, row, count);
  }
}
