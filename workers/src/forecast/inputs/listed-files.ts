import { access, constants } from 'node:fs/promises';
import * as z from 'zod/mini';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { COUNT, checkDocument, choice, parseJson, TEXT } from '../../base/text/document.ts';
import { readText } from '../../base/text/read-text.ts';
import { badFileList } from '../forecast-messages.ts';
import { type InputFile, STATS_AT_ONCE } from './list-inputs.ts';

const LIST = z.array(
  z.object({
    path: TEXT,
    kind: choice(['fasta', 'shard', 'vectors']),
    /** Null where finding it would have taken a request. */
    bytes: z.nullable(COUNT),
  }),
);
/** Size of a file of which nothing is known. */
const USUAL_BYTES = 100_000_000;

/** Files of a run, as the pipeline's head lists them. */
export interface ListedFiles {
  files: InputFile[];
  /** Whether all can be read here: a task has only the files that are staged or mounted. */
  areReadable: boolean;
}

/** Reads a list of files (JSON). @throws DataError for any other text */
export async function readListedFiles(path: string): Promise<ListedFiles> {
  const listed = checkDocument(LIST, parseJson(await readText(path)), (problem) => badFileList(path, problem));
  const known = listed.flatMap(({ bytes }) => bytes ?? []);
  const mean = known.length > 0 ? known.reduce((sum, bytes) => sum + bytes, 0) / known.length : USUAL_BYTES;
  const files = listed.map((file) => ({ ...file, bytes: file.bytes ?? Math.round(mean) }));
  const readable = await mapConcurrently(files, STATS_AT_ONCE, ({ path: file }) => isReadable(file));
  return { files, areReadable: readable.every((is) => is) };
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
