import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { withScratch } from '../../../base/files/scratch.ts';
import { writeAtomically } from '../../../base/files/write-atomically.ts';
import { looksLikeS3 } from '../../../base/s3-location.ts';
import type { AnswerOutput } from './answer-format.ts';
import { type Answer, answerText } from './answer-text.ts';

/**
 * Writes an answer to standard output, a file or S3. A file or an object appears whole or not at all.
 * @param metadata of a Parquet file
 * @param warn gets warnings about sequences of FASTA
 * @returns its byte count
 */
export async function writeAnswer(
  answer: Answer,
  output: AnswerOutput,
  metadata: Record<string, string>,
  warn: (message: string) => void = () => {},
): Promise<number> {
  const { path, format } = output;
  if (format === 'fasta') return writeFasta(answer, output, warn);
  if (path === undefined) return writeToStdout(answerText(answer, output));
  if (looksLikeS3(path)) return writeToS3(path, answer, output, metadata);
  return writeAtomically(path, async (temporary) => {
    if (format === 'parquet') await writeParquet(temporary, answer, metadata);
    else await pipeline([textStream(answer, output), ...compressors(output), createWriteStream(temporary)]);
    return (await stat(temporary)).size;
  });
}

async function writeToStdout(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    // The piece is reused when it has been written. A closed pipe is not an error: `| head`.
    await new Promise<void>((resolve) => process.stdout.write(piece, () => resolve()));
  }
  return bytes;
}

async function writeToS3(
  uri: string,
  answer: Answer,
  output: AnswerOutput,
  metadata: Record<string, string>,
): Promise<number> {
  const { uploadStream } = await import('../../../s3/upload-stream.ts');
  if (output.format !== 'parquet') {
    const [compressor] = compressors(output);
    const text = textStream(answer, output);
    const type = output.format === 'csv' ? 'text/csv' : 'application/jsonl';
    return uploadStream(uri, compressor ? text.compose(compressor) : text, type);
  }
  // The encoder writes files.
  return withScratch(tmpdir(), 'lanceflow-answer', async (folder) => {
    const file = join(folder, 'neighbours.parquet');
    await writeParquet(file, answer, metadata);
    return uploadStream(uri, createReadStream(file), 'application/vnd.apache.parquet');
  });
}

/** Writes the neighbours' sequences: sorted in a folder for temporary files, and complete before the first is printed. */
function writeFasta(answer: Answer, { path, compression }: AnswerOutput, warn: (message: string) => void) {
  return withScratch(tmpdir(), 'lanceflow-answer', async (folder) => {
    const write = async (temporary: string) => {
      // Loaded for this format alone.
      const { writeTargets } = await import('./write-targets.ts');
      return writeTargets(temporary, compression, answer, folder, warn);
    };
    if (path !== undefined && !looksLikeS3(path)) return writeAtomically(path, write);
    const file = join(folder, 'neighbours.fasta');
    const bytes = await write(file);
    if (path === undefined) return writeToStdout(createReadStream(file));
    const { uploadStream } = await import('../../../s3/upload-stream.ts');
    await uploadStream(path, createReadStream(file), 'text/plain');
    return bytes;
  });
}

function textStream(answer: Answer, output: AnswerOutput): Readable {
  // Copied, because a stream reads ahead of its reader.
  const pieces = async function* () {
    for await (const piece of answerText(answer, output)) yield Buffer.from(piece);
  };
  return Readable.from(pieces(), { objectMode: false });
}

function compressors({ compression }: AnswerOutput): Transform[] {
  if (compression === 'none') return [];
  return [compression === 'gzip' ? createGzip() : createZstdCompress()];
}

async function writeParquet(path: string, { neighbours, extra }: Answer, metadata: Record<string, string>) {
  // Loaded for this format alone.
  const { createNeighbours } = await import('../../../hits/parquet/neighbours-writer.ts');
  const writer = await createNeighbours(path, 'zstd', metadata, extra);
  try {
    for await (const batch of neighbours) await writer.append(batch);
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}
