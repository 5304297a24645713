import { type FileHandle, open } from 'node:fs/promises';
import { DataError, systemErrorCode } from '../base/errors.ts';
import { decompress } from './decompress.ts';
import type { FastaBatch, FastaOptions } from './fasta-batch.ts';
import { FOREIGN_FORMATS, isFolder, missingFile } from './fasta-messages.ts';
import { FastaParser } from './fasta-parser.ts';
import { STANDARD_INPUT } from './standard-input.ts';

const BLOCK_BYTES = 1 << 20;

/**
 * Reads a FASTA file batch by batch: plain, gzip or zstd, recognized by its first bytes.
 * @param path may be STANDARD_INPUT
 * @param onBytes receives the bytes of each block of the file, as stored
 * @throws DataError that names the file and, if known, the record
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
        const batch = parser.isFull ? parser.take() : undefined;
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

/** The stored bytes. A block is valid until the next one is read. */
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
    if (systemErrorCode(error) === 'ENOENT') throw missingFile(path);
    throw error;
  });
  if (!(await file.stat()).isDirectory()) return file;
  await file.close();
  throw isFolder(path);
}

/** Reads the decompressed bytes of an input. A piece is valid until the next one is read. */
async function* readPieces(name: string, input: Input, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  yield* decompress(name, refuseForeign(name, input.blocks(onBytes)));
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
