import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type BatchLimits, type FastaBatch, FastaParser } from '../core/fasta-parser.ts';
import { DataError, systemErrorCode } from '../errors.ts';

const BLOCK_BYTES = 1 << 20;
const GZIP_START = Buffer.from([0x1f, 0x8b]);

/** Formats that are handed in by mistake, by the bytes they start with, and what to do instead. */
const FOREIGN_FORMATS: ReadonlyArray<readonly [start: Buffer, message: string]> = [
  [
    Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'),
    'is HDF5, not FASTA. Vectors need no embedding: use the file directly as a shard.',
  ],
  [Buffer.from('BZh'), 'is compressed with bzip2. Unpack it, or compress it with gzip.'],
  [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]), 'is compressed with xz. Unpack it, or compress it with gzip.'],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), 'is compressed with zstd. Unpack it, or compress it with gzip.'],
  [Buffer.from('PK\x03\x04', 'latin1'), 'is a zip archive. Unpack it first.'],
];

/**
 * Reads a FASTA file, plain or gzip (told by its first bytes, whatever its name), batch by batch.
 * @param onBytes told of every block of the file that was read, in bytes as stored
 * @throws DataError naming the file and, where there is one, the record and what to do
 */
export async function* readFasta(
  path: string,
  limits: BatchLimits,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<FastaBatch> {
  const file = await openInput(path);
  try {
    const parser = new FastaParser(path, limits);
    for await (const piece of readPieces(path, file, onBytes)) {
      for (let at = 0; at < piece.length; ) {
        at = parser.push(piece, at);
        const batch = parser.full ? parser.take() : undefined;
        if (batch) yield batch;
      }
    }
    parser.end();
    const last = parser.take();
    if (last) yield last;
  } finally {
    await file.close();
  }
}

async function openInput(path: string): Promise<FileHandle> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) throw new DataError(`${path}: no such file.`);
    throw error;
  });
  if (!(await file.stat()).isDirectory()) return file;
  await file.close();
  throw new DataError(`${path}: is a folder. Name the FASTA files in it.`);
}

/** The unpacked bytes of a file. A piece is valid until the next one is asked for. */
async function* readPieces(
  path: string,
  file: FileHandle,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const blocks = readBlocks(file, onBytes);
  const { value: first } = await blocks.next();
  if (first === undefined) return;
  for (const [start, message] of FOREIGN_FORMATS)
    if (first.subarray(0, start.length).equals(start)) throw new DataError(`${path} ${message}`);
  const all = prepend(first, blocks);
  if (first.subarray(0, 2).equals(GZIP_START)) yield* unpack(path, all);
  else yield* all;
}

async function* readBlocks(file: FileHandle, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, null);
    if (bytesRead === 0) return;
    onBytes(bytesRead);
    yield block.subarray(0, bytesRead);
  }
}

async function* prepend(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* unpack(path: string, blocks: AsyncGenerator<Buffer>): AsyncGenerator<Uint8Array> {
  // The stream reads ahead, so it cannot share one buffer with the reader.
  const source = Readable.from(copies(blocks), { objectMode: true, highWaterMark: 1 });
  const gunzip = createGunzip({ chunkSize: BLOCK_BYTES });
  source.on('error', (error) => gunzip.destroy(error));
  try {
    for await (const piece of source.pipe(gunzip)) yield piece;
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    if (!code.startsWith('Z_')) throw error;
    const what = code === 'Z_BUF_ERROR' ? 'is truncated' : 'is damaged';
    throw new DataError(`${path}: its gzip compression ${what}. Copy or make the file again.`, { cause: error });
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

async function* copies(blocks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  for await (const block of blocks) yield Buffer.from(block);
}
