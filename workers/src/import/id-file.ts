import { createReadStream } from 'node:fs';
import { MAX_ID_BYTES } from '../base/limits.ts';
import { findStats } from '../base/missing-files.ts';
import { findVectorKind } from '../shard/layouts/vector-kind.ts';
import { idTooLong } from '../shard/shard-messages.ts';
import * as messages from './import-messages.ts';
import { readNpyIds } from './npy-ids.ts';
import type { IdFile } from './vector-source.ts';

/**
 * Opens the file of the ids of a .npy file: text in UTF-8, one id a line, or a .npy file of texts or integers.
 * @param path of the vectors, for messages
 * @throws DataError if it is missing, or a .npy file of another type
 */
export async function openIdFile(path: string, idPath: string): Promise<IdFile> {
  if (!(await findStats(idPath))?.isFile()) throw messages.noIdFile(path, idPath);
  if ((await findVectorKind(idPath)) === 'npy') return readNpyIds(idPath);
  return { ids: () => linesOf(idPath), notes: [] };
}

/** Reads the lines of a text in UTF-8, without empty ones at its end. @throws DataError */
async function* linesOf(path: string): AsyncGenerator<string> {
  let empty = 0;
  let lines = 0;
  for await (const line of allLinesOf(path)) {
    if (line.length > MAX_ID_BYTES) throw idTooLong(path, lines, line.length);
    lines++;
    if (line === '') {
      empty++;
      continue;
    }
    for (; empty > 0; empty--) yield '';
    yield line;
  }
}

async function* allLinesOf(path: string): AsyncGenerator<string> {
  // It removes a byte order mark.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Buffer) => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch {
      throw messages.idFileNotUtf8(path);
    }
  };
  let rest = '';
  for await (const piece of createReadStream(path)) {
    // A carriage return at the end may be followed by a newline in the next piece.
    const lines = (rest + decode(piece as Buffer)).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    yield* lines;
    // Longer than any id: the caller refuses it.
    if (rest.length > MAX_ID_BYTES) yield rest;
  }
  yield (rest + decode()).replace(/\r$/, '');
}
