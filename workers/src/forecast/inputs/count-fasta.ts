import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { noSequencesSampled, notPacked } from '../forecast-messages.ts';
import type { FastaInputs } from '../run-request.ts';
import type { InputFile } from './list-inputs.ts';

/** Bytes of a sample, and the samples of all files together: 64 MB are read in a fraction of a second. */
const SAMPLE_BYTES = 2 ** 20;
const MOST_SAMPLES = 64;
/** A decompressor keeps back some of its last output, which must be little. */
const PACKED_SAMPLE_BYTES = 8 * 2 ** 20;
/** A sample of proteins has a quarter of it decompressed; one of a repeated letter would fill the memory. */
const MOST_UNPACKED_BYTES = 64 * 2 ** 20;
const NEWLINE = 10;
const HEADER = 62;

/** What a sample of FASTA has. */
interface Sample {
  /** As they are in the file. */
  fileBytes: number;
  records: number;
  residues: number;
  idBytes: number;
  headerBytes: number;
}

/**
 * Estimates the sequences and residues of FASTA files from samples at their starts, middles and ends. A file up to a sample's size is
 * counted whole; a compressed one is sampled at its start.
 * @param partResidues files with more are divided, as lib/SequenceParts.groovy does
 * @throws DataError where the samples have no record
 */
export async function countFasta(files: readonly InputFile[], partResidues: number): Promise<FastaInputs> {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const chosen = spreadOver(files, MOST_SAMPLES);
  const perFile = Math.max(1, Math.floor(MOST_SAMPLES / chosen.length));
  const samples = (await mapConcurrently(chosen, 8, (file) => samplesOf(file, Math.min(perFile, 16)))).flat();
  const sum = (of: (sample: Sample) => number) => samples.reduce((total, sample) => total + of(sample), 0);
  const [records, sampled] = [sum((one) => one.records), sum((one) => one.fileBytes)];
  if (records === 0) throw noSequencesSampled(files[0]!.path);
  const scale = bytes / sampled;
  const isLarge = (file: InputFile) => file.bytes * (isPacked(file.path) ? 2 : 1) > partResidues;
  const large = files.filter(isLarge);
  const residuesPerByte = sum((one) => one.residues) / sampled;
  const parts = large.reduce(
    (total, file) => total + Math.max(1, Math.ceil((file.bytes * residuesPerByte) / partResidues)),
    0,
  );
  return {
    ...{ files: files.length, largeFiles: large.length, tasks: files.length - large.length + parts, bytes },
    largestShare: largestShare(
      files.map((file) => (isLarge(file) ? partResidues : file.bytes * residuesPerByte)),
      bytes * residuesPerByte,
    ),
    sequences: Math.max(1, Math.round(records * scale)),
    residues: Math.round(sum((one) => one.residues) * scale),
    idBytes: sum((one) => one.idBytes) / records,
    descriptionBytes: Math.max(0, sum((one) => one.headerBytes - one.idBytes - one.records) / records),
  };
}

/** Returns the share of the longest task. @param residues of each task @param all of all tasks; 0 where no record has residues */
export function largestShare(residues: readonly number[], all: number): number {
  return Math.min(1, residues.reduce((most, one) => Math.max(most, one), 0) / Math.max(1, all));
}

function spreadOver<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / most)]!);
}

export const isPacked = (path: string) => /\.(gz|zst)$/i.test(path);

async function samplesOf(file: InputFile, count: number): Promise<Sample[]> {
  if (isPacked(file.path)) return [await packedSample(file)];
  const handle = await open(file.path, 'r');
  try {
    const pieces = Math.min(count, Math.max(1, Math.floor(file.bytes / SAMPLE_BYTES)));
    const samples: Sample[] = [];
    for (let i = 0; i < pieces; i++) {
      const start = pieces === 1 ? 0 : Math.floor((i * (file.bytes - SAMPLE_BYTES)) / (pieces - 1));
      const buffer = Buffer.alloc(Math.min(SAMPLE_BYTES, file.bytes - start));
      await handle.read(buffer, 0, buffer.length, start);
      samples.push(countSample(buffer, buffer.length));
    }
    return samples;
  } finally {
    await handle.close();
  }
}

/** Decompresses the start of a file; the end of the sample is within the stream, which is no fault. */
async function packedSample(file: InputFile): Promise<Sample> {
  const source = createReadStream(file.path, { end: PACKED_SAMPLE_BYTES - 1 });
  const decompressor = file.path.toLowerCase().endsWith('.gz') ? createGunzip() : createZstdDecompress();
  const pieces: Buffer[] = [];
  let unpacked = 0;
  let fileBytes = Math.min(file.bytes, PACKED_SAMPLE_BYTES);
  source.on('error', (error) => decompressor.destroy(error));
  try {
    for await (const piece of source.pipe(decompressor)) {
      pieces.push(piece);
      unpacked += piece.length;
      if (unpacked < MOST_UNPACKED_BYTES) continue;
      fileBytes = Math.max(1, decompressor.bytesWritten);
      break;
    }
  } catch (error) {
    if (source.errored) throw source.errored;
    if (pieces.length === 0) throw notPacked(file.path, error);
  } finally {
    source.destroy();
  }
  return countSample(Buffer.concat(pieces), fileBytes);
}

/** Counts what lies between line breaks. A record that is cut counts with the part that is here, and its header where that begins here. */
function countSample(buffer: Buffer, fileBytes: number): Sample {
  const sample: Sample = { fileBytes, records: 0, residues: 0, idBytes: 0, headerBytes: 0 };
  let start = 0;
  while (start < buffer.length) {
    const found = buffer.indexOf(NEWLINE, start);
    const end = found < 0 ? buffer.length : found;
    const length = end - start - (end > start && buffer[end - 1] === 13 ? 1 : 0);
    if (buffer[start] === HEADER) {
      const text = buffer.toString('latin1', start + 1, start + length);
      sample.records++;
      sample.headerBytes += length - 1;
      sample.idBytes += text.search(/\s/) < 0 ? text.length : text.search(/\s/);
    } else sample.residues += length;
    start = end + 1;
  }
  return sample;
}
