import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import { systemErrorCode } from '../base/errors.ts';
import { badCompression } from './fasta-messages.ts';

const PIECE_BYTES = 1 << 20;
const GZIP_START = Buffer.from([0x1f, 0x8b]);
const ZSTD_START = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** Magic number of a skippable frame, which pzstd writes first; its first byte is 0x50 to 0x5f. */
const ZSTD_SKIPPABLE = Buffer.from([0x2a, 0x4d, 0x18]);

/**
 * Decompresses gzip and zstd, recognized by their first bytes; passes other content through. Concatenated files are decompressed as one.
 * @param blocks each is valid until the next one is read, as are the returned pieces
 * @param name of the file, for messages
 * @throws DataError if the compressed data is damaged or truncated
 */
export async function* decompress(name: string, blocks: AsyncGenerator<Buffer>): AsyncGenerator<Uint8Array> {
  const { value: first } = await blocks.next();
  if (first === undefined) return;
  const all = prepend(first, blocks);
  if (first.subarray(0, 2).equals(GZIP_START)) yield* withFileErrors(name, 'gzip', gunzip(all));
  else if (isZstd(first)) yield* withFileErrors(name, 'zstd', unzstd(all));
  else yield* all;
}

function isZstd(block: Buffer): boolean {
  return (
    block.subarray(0, 4).equals(ZSTD_START) || (block[0]! >> 4 === 5 && block.subarray(1, 4).equals(ZSTD_SKIPPABLE))
  );
}

async function* prepend(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* withFileErrors(name: string, format: string, pieces: AsyncGenerator<Uint8Array>) {
  try {
    yield* pieces;
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    if (!/^(Z|ZSTD)_/.test(code)) throw error;
    throw badCompression(name, format, code === 'Z_BUF_ERROR', error);
  }
}

async function* gunzip(blocks: AsyncGenerator<Buffer>): AsyncGenerator<Uint8Array> {
  // The stream reads ahead, so it cannot share one buffer with the reader.
  const source = Readable.from(copies(blocks), { objectMode: true, highWaterMark: 1 });
  const stream = createGunzip({ chunkSize: PIECE_BYTES });
  source.on('error', (error) => stream.destroy(error));
  try {
    for await (const piece of source.pipe(stream)) yield piece;
  } finally {
    source.destroy();
    stream.destroy();
  }
}

async function* copies(blocks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  for await (const block of blocks) yield Buffer.from(block);
}

/**
 * Decompresses a sequence of frames, as written by multithreaded `zstd`, `cat` and seekable formats. Node's stream ends after the first
 * frame, so each frame has its own stream, which counts the bytes of the frame.
 */
async function* unzstd(blocks: AsyncGenerator<Buffer>): AsyncGenerator<Uint8Array> {
  let rest: Buffer | undefined;
  const next = async () => {
    const block = rest ?? (await blocks.next()).value;
    rest = undefined;
    return block;
  };
  for (let block = await next(); block !== undefined; block = await next()) {
    const frame = createZstdDecompress({ chunkSize: PIECE_BYTES });
    const fed = feedFrame(frame, block, next).then((left) => {
      rest = left;
    });
    // The loop below throws the error; an unhandled rejection would end the process first.
    fed.catch(() => {});
    try {
      for await (const piece of frame) yield piece;
      await fed;
    } finally {
      frame.destroy();
    }
  }
}

/** Writes blocks to the stream of a frame until the frame ends. @returns the rest of the last block */
async function feedFrame(
  frame: ZstdDecompress,
  first: Buffer,
  next: () => Promise<Buffer | undefined>,
): Promise<Buffer | undefined> {
  let written = 0;
  for (let block: Buffer | undefined = first; block !== undefined; block = await next()) {
    await write(frame, block);
    written += block.length;
    const left = written - frame.bytesWritten;
    if (left > 0) return block.subarray(block.length - left);
  }
  frame.end();
  return undefined;
}

function write(stream: ZstdDecompress, block: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(block, (error) => (error ? reject(error) : resolve()));
  });
}
