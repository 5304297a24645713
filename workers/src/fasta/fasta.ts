import { type FileHandle, open } from 'node:fs/promises';
import { DataError, systemErrorCode } from '../base/errors.ts';
import { type FastaBatch, type FastaOptions, FastaParser } from './fasta-parser.ts';
import { STANDARD_INPUT } from './standard-input.ts';
import { unpack } from './unpack.ts';

const BLOCK_BYTES = 1 << 20;

/** Formats that are handed in by mistake, by the bytes they start with, and what to do instead. */
const FOREIGN_FORMATS: ReadonlyArray<readonly [start: Buffer, message: string]> = [
  [
    Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'),
    'is HDF5, not FASTA. Vectors need no embedding: use the file directly as a shard.',
  ],
  [Buffer.from('BZh'), 'is compressed with bzip2. Unpack it, or compress it with gzip.'],
  [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]), 'is compressed with xz. Unpack it, or compress it with gzip.'],
  [Buffer.from('PK\x03\x04', 'latin1'), 'is a zip archive. Unpack it first.'],
];

/**
 * Reads a FASTA file, plain, gzip or zstd (told by its first bytes, whatever its name), batch by batch.
 * @param path may be STANDARD_INPUT
 * @param onBytes told of every block of the file that was read, in bytes as stored
 * @throws DataError naming the file and, where there is one, the record and what to do
 */
export async function* readFasta(
  path: string,
  limits: FastaOptions,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<FastaBatch> {
  const name = path === STANDARD_INPUT ? 'standard input' : path;
  const input = await openInput(path);
  try {
    const parser = new FastaParser(name, limits);
    for await (const piece of readPieces(name, input, onBytes)) {
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
    await input.close();
  }
}

/** Bytes as they are stored. A block is valid until the next one is asked for. */
interface Input {
  blocks(onBytes: (bytes: number) => void): AsyncGenerator<Buffer>;
  close(): Promise<void>;
}

async function openInput(path: string): Promise<Input> {
  if (path === STANDARD_INPUT) return { blocks: readStandardInput, close: async () => {} };
  const file = await openFile(path);
  return { blocks: (onBytes) => readBlocks(file, onBytes), close: () => file.close() };
}

async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') throw new DataError(`${path}: no such file.`);
    throw error;
  });
  if (!(await file.stat()).isDirectory()) return file;
  await file.close();
  throw new DataError(`${path}: is a folder. Name the FASTA files in it.`);
}

/** The unpacked bytes of an input. A piece is valid until the next one is asked for. */
async function* readPieces(name: string, input: Input, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  yield* unpack(name, refuseForeign(name, input.blocks(onBytes)));
}

async function* refuseForeign(name: string, blocks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const block of blocks) {
    for (const [start, message] of isFirst ? FOREIGN_FORMATS : [])
      if (block.subarray(0, start.length).equals(start)) throw new DataError(`${name} ${message}`);
    isFirst = false;
    yield block;
  }
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

async function* readStandardInput(onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const block of process.stdin as AsyncIterable<Buffer>) {
    onBytes(block.length);
    yield block;
  }
}
