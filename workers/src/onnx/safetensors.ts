import { open, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, systemErrorCode } from '../base/errors.ts';
import { findStats } from '../base/missing-files.ts';
import { counted } from '../base/text/counted.ts';
import { parseJsonText } from '../base/text/json-text.ts';
import { quoteValue } from '../base/text/quote.ts';
import { readText } from '../base/text/read-text.ts';

/** Bytes of one element by dtype. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};
/** The limit of the reference implementation. */
export const HEADER_LIMIT_BYTES = 100_000_000;

/** The location of a tensor. */
export interface StoredTensor {
  /** The file, with symbolic links resolved. */
  path: string;
  /** Bytes from the start of the file. */
  offset: number;
  byteLength: number;
  /** F32, F16, BF16, ... */
  type: string;
  shape: readonly number[];
}

/** The tensors of a model folder, and their files. */
export interface StoredWeights {
  tensors: ReadonlyMap<string, StoredTensor>;
  /** With symbolic links resolved, in the order of their names in the folder. */
  files: readonly string[];
}

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
/** Of file systems, in characters of one byte. */
const LONGEST_NAME = 255;

/**
 * Finds the weights of a model folder: `model.safetensors`, or the files named by `model.safetensors.index.json`. Reads only
 * headers.
 * @throws DataError if files are missing, truncated or contradict each other
 */
export async function findWeights(folder: string): Promise<StoredWeights> {
  const isSingle = (await findStats(join(folder, SINGLE))) !== undefined;
  const names = isSingle ? [SINGLE] : await namesInIndex(folder);
  const tensors = new Map<string, StoredTensor>();
  const files: string[] = [];
  for (const name of names) {
    const path = await realpath(join(folder, name)).catch((error: unknown) => {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      throw new DataError(`${join(folder, INDEX)} names ${name}, which is not in the folder.`);
    });
    files.push(path);
    for (const [tensor, stored] of await readSafetensorsHeader(path)) tensors.set(tensor, stored);
  }
  return { tensors, files };
}

async function namesInIndex(folder: string): Promise<string[]> {
  const path = join(folder, INDEX);
  const text = await readText(path, HEADER_LIMIT_BYTES).catch(async (error: unknown) => {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    throw new DataError(
      `${folder}: no weights: the folder has neither ${SINGLE} nor ${INDEX}. ${await describeOtherWeights(folder)}`,
    );
  });
  const map: unknown = (parseObject(text, path) as { weight_map?: unknown }).weight_map;
  if (typeof map !== 'object' || map === null || Object.keys(map).length === 0)
    throw new DataError(`${path}: no "weight_map" from tensors to files.`);
  const names = new Set<string>();
  for (const name of Object.values(map)) {
    if (typeof name !== 'string' || name === '' || name.length > LONGEST_NAME || /[/\\\0]|^\.\.?$/.test(name))
      throw new DataError(`${path}: ${quoteValue(name)} is not the name of a file in this folder.`);
    names.add(name);
  }
  return [...names].sort();
}

/** Weights as PyTorch saves them: one file, several with an index, or of another name. */
const PYTORCH_WEIGHTS = /\.(bin|pth?|ckpt)$/i;

/** Files of the same kinds that hold no weights of the model. */
const OF_TRAINING = /^(training_args|optimizer|scheduler|rng_state)/;

async function describeOtherWeights(folder: string): Promise<string> {
  const found = (await readdir(folder))
    .filter((name) => PYTORCH_WEIGHTS.test(name) && !OF_TRAINING.test(name))
    .sort()[0];
  if (found === undefined) return 'Download one of them from the page of the model.';
  return `It has ${quoteValue(found)}, in the format of PyTorch: save it as ${SINGLE} first, as docs/models.md shows under "Weights of PyTorch".`;
}

/**
 * Reads the header of a safetensors file: 8 bytes of length, JSON, then the data. Format:
 * https://github.com/huggingface/safetensors#format
 * @throws DataError if the header or the file's length is wrong
 */
export async function readSafetensorsHeader(path: string): Promise<Map<string, StoredTensor>> {
  const file = await open(path, 'r');
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new DataError(`${path}: not a safetensors file: not a file at all.`);
    const { size } = info;
    const prefix = Buffer.alloc(8);
    const { bytesRead } = await file.read(prefix, 0, 8, 0);
    if (bytesRead < 8) throw new DataError(`${path}: not a safetensors file: it has only ${counted(size, 'byte')}.`);
    const headerBytes = prefix.readBigUInt64LE();
    if (headerBytes > BigInt(HEADER_LIMIT_BYTES))
      throw new DataError(
        `${path}: not a safetensors file: its header claims ${headerBytes} bytes (the format allows ${HEADER_LIMIT_BYTES}).`,
      );
    const dataAt = 8 + Number(headerBytes);
    if (dataAt > size) throw truncated(path, size, dataAt);
    const header = Buffer.alloc(Number(headerBytes));
    await file.read(header, 0, header.length, 8);
    return checkTensors(path, size, dataAt, parseObject(header.toString('utf8'), `${path}: header`));
  } finally {
    await file.close();
  }
}

function checkTensors(path: string, fileBytes: number, dataAt: number, header: object) {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header))
    if (name !== '__metadata__') tensors.set(name, checkTensor(path, dataAt, name, entry));
  const sorted = [...tensors].sort(([, a], [, b]) => endOf(a) - endOf(b) || a.offset - b.offset);
  const endOfData = sorted.length === 0 ? dataAt : endOf(sorted.at(-1)![1]);
  if (endOfData > fileBytes) throw truncated(path, fileBytes, endOfData);
  // The format allows neither gaps nor overlaps.
  let at = dataAt;
  for (const [name, tensor] of sorted) {
    if (tensor.offset !== at)
      throw new DataError(
        `${path}: tensor ${quoteValue(name)} begins at byte ${tensor.offset}, but the previous one ends at ${at}. The file is damaged.`,
      );
    at = endOf(tensor);
  }
  if (at < fileBytes)
    throw new DataError(`${path}: ${counted(fileBytes - at, 'byte')} after the last tensor. The file is damaged.`);
  return tensors;
}

function endOf({ offset, byteLength }: StoredTensor): number {
  return offset + byteLength;
}

function checkTensor(path: string, dataAt: number, name: string, entry: unknown): StoredTensor {
  const wrong = (what: string) => new DataError(`${path}: tensor ${quoteValue(name)}: ${what}. The file is damaged.`);
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2 || typeof dtype !== 'string')
    throw wrong('no valid dtype, shape and data_offsets in the header');
  const elementBytes = ELEMENT_BYTES[dtype];
  if (elementBytes === undefined) throw wrong(`unknown dtype ${quoteValue(dtype)}`);
  const [start, end] = offsets as [number, number];
  const byteLength = shape.reduce((product, size) => product * size, elementBytes);
  if (end - start !== byteLength)
    throw wrong(
      `${dtype} [${shape.join(', ')}] needs ${counted(byteLength, 'byte')}, but the header assigns ${end - start} to it`,
    );
  return { path, offset: dataAt + start, byteLength, type: dtype, shape };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function truncated(path: string, fileBytes: number, expectedBytes: number): DataError {
  return new DataError(
    `${path}: truncated: it has ${fileBytes} of ${counted(expectedBytes, 'byte')}. Copy or download the file again.`,
  );
}

function parseObject(text: string, what: string): object {
  try {
    const value: unknown = parseJsonText(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new DataError(`${what}: not valid JSON.`, { cause: error });
  }
  throw new DataError(`${what}: not a JSON object.`);
}
