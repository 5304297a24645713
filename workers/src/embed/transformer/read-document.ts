import { readText } from '../../base/text/read-text.ts';

/** Bytes of a model's JSON document, or its vocabulary: those of language models have up to 40 million. */
const MOST_BYTES = 2 ** 26;

/**
 * Reads a document of a model as text.
 * @throws DataError where it is too large to be one, or not UTF-8
 */
export function readDocument(path: string): Promise<string> {
  return readText(path, MOST_BYTES);
}
