import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import { DataError, systemErrorCode } from '../base/errors.ts';

const PIECE_BYTES = 1 << 20;
const GZIP_START = Buffer.from([0x1f, 0x8b]);
const ZSTD_START = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** Of a frame without content, with which pzstd begins; the first byte may be any from 0x50 to 0x5f. */
const ZSTD_SKIPPABLE = Buffer.from([0x2a, 0x4d, 0x18]);

/**
 * Unpacks what is compressed with gzip or zstd, which its first bytes tell, and passes on what is not. Files put
 * one behind another are unpacked as one.
 * @param blocks each is valid until the next one is asked for; so are the pieces that come out
 * @param name of the file, for messages
 * @throws DataError where the compression is damaged or cut off
 */
export async function* unpack(name: string, blocks: AsyncGenerator<Buffer>): AsyncGenerator<Uint8Array> {
  const { value: first } = await blocks.next();
  if (first === undefined) return;
  const all = prepend(first, blocks);
  if (first.subarray(0, 2).equals(GZIP_START)) yield* explained(name, 'gzip', gunzip(all));
  else if (isZstd(first)) yield* explained(name, 'zstd', unzstd(all));
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

async function* explained(name: string, format: string, pieces: AsyncGenerator<Uint8Array>) {
  try {
    yield* pieces;
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    if (!/^(Z|ZSTD)_/.test(code)) throw error;
    const what = code === 'Z_BUF_ERROR' ? 'is truncated' : 'is damaged';
    throw new DataError(`${name}: its ${format} compression ${what}. Copy or make the file again.`, { cause: error });
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
 * Node's stream ends with the first frame and says nothing of what follows; `zstd` on many threads, `cat` and seekable
 * files make several. So each frame gets a stream of its own, which tells how many bytes were the frame's.
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
    // An error is thrown by the reading loop below; it must not be an unhandled one before that.
    fed.catch(() => {});
    try {
      for await (const piece of frame) yield piece;
      await fed;
    } finally {
      frame.destroy();
    }
  }
}

/** Writes blocks into a frame's stream until it has its end. @returns what is left of the last block */
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
