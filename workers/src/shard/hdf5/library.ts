import { openSync } from 'node:fs';
import h5wasm, { type H5Module } from './h5wasm.ts';
import { OutOfMemory } from './hdf5-messages.ts';

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
