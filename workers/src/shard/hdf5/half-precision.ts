import { readFile, writeFile } from 'node:fs/promises';

/**
 * Converts the empty float32 dataset of a new file to half precision (IEEE 754 binary16, `float16` of h5py). The library can read and
 * write this type but not create it. Therefore the dataset is created as float32 in the old object format, which has no checksums, and
 * two messages of its header are replaced: the datatype, and the element size in the layout. Formats: HDF5 File Format Specification
 * 3.0, sections IV.A.2.d and IV.A.2.i.
 * @param path a closed file without rows, with one float32 dataset of chunks [chunkRows, dimension]
 */
export async function makeHalfPrecision(path: string, chunkRows: number, dimension: number): Promise<void> {
  const file = await readFile(path);
  replaceOnce(file, FLOAT32, FLOAT16);
  replaceOnce(file, layout(chunkRows, dimension, 4), layout(chunkRows, dimension, 2));
  await writeFile(path, file);
}

/** Options that make the library write the old format. */
export const OLD_FORMAT = { libver: ['earliest', 'latest'] } as const;

/** Datatype messages: version 1, class 1 (floating point), little-endian, leading digit implied. */
const FLOAT32 = datatype({ bytes: 4, sign: 31, exponentAt: 23, exponentBits: 8, bias: 127 });
const FLOAT16 = datatype({ bytes: 2, sign: 15, exponentAt: 10, exponentBits: 5, bias: 15 });

function datatype(type: { bytes: number; sign: number; exponentAt: number; exponentBits: number; bias: number }) {
  const message = Buffer.alloc(20);
  message.set([0x11, 0x20, type.sign, 0]);
  message.writeUInt32LE(type.bytes, 4);
  message.writeUInt16LE(8 * type.bytes, 10);
  // The digits start at bit 0, and the exponent follows them.
  message.set([type.exponentAt, type.exponentBits, 0, type.exponentAt], 12);
  message.writeUInt32LE(type.bias, 16);
  return message;
}

/** Returns a layout message: version 3, chunked, three dimensions (the last is the element size), no chunks. */
function layout(chunkRows: number, dimension: number, elementBytes: number): Buffer {
  const message = Buffer.alloc(23, 0xff);
  message.set([3, 2, 3]);
  for (const [i, size] of [chunkRows, dimension, elementBytes].entries()) message.writeUInt32LE(size, 11 + 4 * i);
  return message;
}

function replaceOnce(file: Buffer, before: Buffer, after: Buffer): void {
  const at = file.indexOf(before);
  if (at < 0 || file.includes(before, at + 1)) throw new Error('the HDF5 library writes headers of another form');
  file.set(after, at);
}
