import { readText } from '../../base/text/read-text.ts';

/** Size limit of a JSON document or vocabulary of a model. Those of language models reach 40 MB. */
const MAX_BYTES = 2 ** 26;

/**
 * Reads a text document of a model.
 * @throws DataError if it is larger than MAX_BYTES, or not UTF-8
 */
export function readDocument(path: string): Promise<string> {
  return readText(path, MAX_BYTES);
}
