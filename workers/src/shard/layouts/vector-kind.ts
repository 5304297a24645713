import { open } from 'node:fs/promises';
import { findStats } from '../../base/missing-files.ts';

/** Formats of files of vectors. */
export type VectorKind = 'hdf5' | 'parquet' | 'npy';

const SIGNATURES: Readonly<Record<VectorKind, Buffer>> = {
  hdf5: Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'),
  parquet: Buffer.from('PAR1'),
  npy: Buffer.from('\x93NUMPY', 'latin1'),
};
const LONGEST = Math.max(...Object.values(SIGNATURES).map(({ length }) => length));

/** Recognizes a file of vectors by its first bytes. @returns undefined for another file, or none */
export async function findVectorKind(path: string): Promise<VectorKind | undefined> {
  // A pipe can be read only once.
  if (!(await findStats(path))?.isFile()) return undefined;
  await using file = await open(path, 'r');
  const start = Buffer.alloc(LONGEST);
  await file.read(start, 0, start.length, 0);
  const kinds = Object.keys(SIGNATURES) as VectorKind[];
  return kinds.find((kind) => start.subarray(0, SIGNATURES[kind].length).equals(SIGNATURES[kind]));
}
