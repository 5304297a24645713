import { decodeText, readBytes } from '../../base/text/read-text.ts';

/** Size limit of a document of a model. Those of language models reach 40 MB. */
const MAX_BYTES = 2 ** 26;

/** A file of a model folder that is read as a whole: JSON, a list of tokens, or a message. */
export interface ModelDocument {
  path: string;
  bytes: Buffer;
}

/** Reads a document of a model. @throws DataError if it is larger than MAX_BYTES */
export async function readDocument(path: string): Promise<ModelDocument> {
  return { path, bytes: await readBytes(path, MAX_BYTES) };
}

/** Returns the text of a document. @throws DataError if it is not UTF-8 */
export function textOf({ path, bytes }: ModelDocument): string {
  return decodeText(path, bytes);
}
