import { openSync } from 'node:fs';
import { DataError, TransientError } from '../../base/errors.ts';
import h5wasm, { type H5Module } from './h5wasm.ts';

let loaded: Promise<H5Module> | undefined;

/**
 * The HDF5 library (h5wasm), loaded once. Its own diagnostics, ten lines of C sources for each error, go
 * nowhere: the readers and writers here turn every failure into one sentence.
 */
export function hdf5(): Promise<H5Module> {
  loaded ??= h5wasm.ready.then((module) => {
    const stderr = module.FS.streams[2];
    if (stderr) stderr.nfd = openSync('/dev/null', 'w');
    return module;
  });
  return loaded;
}

/** The library could not allocate memory. */
export class OutOfMemory extends TransientError {}

/** Runs `use` with `byteLength` bytes of the library's memory; `address` is where they start. @throws OutOfMemory */
export function withBuffer<T>(module: H5Module, byteLength: number, use: (address: number) => T): T {
  const address = module._malloc(Math.max(1, byteLength));
  if (address === 0)
    throw new OutOfMemory(`HDF5 cannot allocate ${byteLength} bytes; its memory ends at 2 GiB. Use smaller shards.`);
  try {
    return use(address);
  } finally {
    module._free(address);
  }
}

/** The error for rows that the library cannot read. */
export function failedRead(path: string, name: string, start: number, count: number): DataError {
  return new DataError(
    `${path}: rows ${start} to ${start + count - 1} of "${name}" cannot be read; the file is damaged.`,
  );
}
