import { basename } from 'node:path';
import * as z from 'zod/mini';
import { readFields } from '../../../base/bytes/protobuf.ts';
import { DataError } from '../../../base/errors.ts';
import { COUNT, checkDocument, TEXT } from '../../../base/text/document.ts';
import type { ModelDocument } from '../read-document.ts';
import { idsByPosition, parseModelJson } from './vocabulary-files.ts';

/** Files beside a spiece.model that add tokens to its pieces. */
export const ADDED_TOKENS = 'added_tokens.json';
export const TOKENIZER_CONFIG = 'tokenizer_config.json';

const ADDED_TOKENS_JSON = z.record(TEXT, COUNT);
const SENTINELS = 'a whole number from 0 to 10000';
const TOKENIZER_CONFIG_JSON = z.object({
  extra_ids: z.nullish(z.int(SENTINELS).check(z.gte(0, SENTINELS), z.lte(10_000, SENTINELS))),
  added_tokens_decoder: z.nullish(z.record(TEXT, z.object({ content: TEXT }))),
});
/** Sentinels `<extra_id_0>`, ... that T5's tokenizer adds unless its configuration says another number. */
const DEFAULT_EXTRA_IDS = 100;

/**
 * Parses the tokens of a T5 model: the pieces of spiece.model, the sentinels after them, and the tokens of the files beside it.
 * @param documents spiece.model, then those of ADDED_TOKENS and TOKENIZER_CONFIG that the folder has
 */
export function parseSentencePiece([model, ...additions]: readonly [ModelDocument, ...ModelDocument[]]): Map<
  string,
  number
> {
  const pieces = readPieces(model);
  const ids = idsByPosition(model.path, pieces);
  let extraIds = DEFAULT_EXTRA_IDS;
  const added = new Map<string, number>();
  for (const document of additions) {
    const fail = (problem: string) => new DataError(`${document.path}: not the tokens of a model: ${problem}.`);
    const json = parseModelJson(document);
    if (basename(document.path) === ADDED_TOKENS) {
      for (const [token, id] of Object.entries(checkDocument(ADDED_TOKENS_JSON, json, fail))) added.set(token, id);
      continue;
    }
    const { extra_ids: sentinels, added_tokens_decoder: decoder } = checkDocument(TOKENIZER_CONFIG_JSON, json, fail);
    extraIds = sentinels ?? extraIds;
    for (const [id, { content }] of Object.entries(decoder ?? {})) added.set(content, Number(id));
  }
  if (!ids.has('<extra_id_0>'))
    // The last sentinel has the number 0.
    for (let i = 0; i < extraIds; i++) ids.set(`<extra_id_${extraIds - 1 - i}>`, pieces.length + i);
  for (const [token, id] of added) ids.set(token, id);
  return ids;
}

/**
 * Reads the pieces of a SentencePiece model: field 1 of each message in field 1 of ModelProto. Format:
 * https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
 */
function readPieces({ path, bytes }: ModelDocument): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    const pieces = readFields(bytes)
      .filter(({ field }) => field === 1)
      .map(({ bytes: message }) => {
        const piece = readFields(message).find(({ field }) => field === 1);
        return decoder.decode(piece?.bytes ?? new Uint8Array(0));
      });
    if (pieces.length > 0) return pieces;
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    throw new DataError(`${path}: not a SentencePiece model, or damaged. Download it again.`, { cause: error });
  }
  throw new DataError(`${path}: a SentencePiece model without pieces. Download it again.`);
}
