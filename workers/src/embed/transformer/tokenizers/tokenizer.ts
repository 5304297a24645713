import { DataError } from '../../../base/errors.ts';
import { quoteValue } from '../../../base/text/quote.ts';
import type { ModelConfig } from '../config.ts';

/** Maps residues to token ids: one id per character, with fixed ids around them. */
export interface Tokenizer {
  /** Ids before the first residue. `cls` pooling uses the state of the first one. */
  readonly prefix: readonly number[];
  /** Ids after the last residue. */
  readonly suffix: readonly number[];
  readonly padId: number;
  /** The id of each ASCII character; `unknownId` for those outside the vocabulary. */
  readonly idOfAscii: Int32Array;
  readonly unknownId: number;
}

/** Treatment of letters outside the vocabulary: the model's `<unk>`, or an error. */
export const UNKNOWN_LETTERS = ['unk', 'refuse'] as const;
export type UnknownLetters = (typeof UNKNOWN_LETTERS)[number];

/** The content of a tokenizer file, before it is checked against the config of the model. */
export interface Vocabulary {
  path: string;
  ids: ReadonlyMap<string, number>;
  prefix: readonly string[];
  suffix: readonly string[];
  pad: string;
  unknown: string;
  /** Returns the token of a letter; default: the letter. */
  tokenOf?(letter: string): string;
  /** Whether the table of embeddings may have more rows than there are tokens. */
  hasSpareRows?: boolean;
}

const ASCII_COUNT = 128;

/**
 * Creates a tokenizer from a vocabulary.
 * @param special fields of config.json with token ids, and their tokens
 * @throws DataError if tokenizer and config contradict each other: ids would represent other letters than in training
 */
export function createTokenizer(
  vocabulary: Vocabulary,
  config: ModelConfig,
  special: Readonly<Record<string, string>>,
): Tokenizer {
  const { path, ids } = vocabulary;
  const { tokenOf = (letter: string) => letter, hasSpareRows = false } = vocabulary;
  const size = config.size('vocab_size');
  if (hasSpareRows ? ids.size > size : ids.size !== size)
    throw new DataError(
      `${path} has ${ids.size} tokens, but ${config.path} says "vocab_size": ${size}. They belong to different models.`,
    );
  const owners = new Map<number, string>();
  for (const [token, id] of ids) {
    if (!Number.isSafeInteger(id) || id < 0 || id >= size)
      throw new DataError(`${path}: token ${quoteValue(token)} has id ${quoteValue(id)}, outside 0 to ${size - 1}.`);
    const other = owners.get(id);
    if (other !== undefined)
      throw new DataError(
        `${path}: tokens ${quoteValue(other)} and ${quoteValue(token)} have the same id, ${id}; ids must be unique.`,
      );
    owners.set(id, token);
  }
  for (const [field, token] of Object.entries(special)) {
    if (config.has(field) && config.id(field, 0) !== ids.get(token))
      throw new DataError(
        `${path} gives ${token} the id ${ids.get(token)}, but ${config.path} says "${field}": ${config.id(field, 0)}. They belong to different models.`,
      );
  }
  const idOf = (token: string): number => {
    const id = ids.get(token);
    if (id === undefined) throw new DataError(`${path}: no token ${token}, which this model needs.`);
    return id;
  };
  const unknownId = idOf(vocabulary.unknown);
  return {
    prefix: vocabulary.prefix.map(idOf),
    suffix: vocabulary.suffix.map(idOf),
    padId: idOf(vocabulary.pad),
    unknownId,
    idOfAscii: Int32Array.from(
      { length: ASCII_COUNT },
      (_, code) => ids.get(tokenOf(String.fromCharCode(code))) ?? unknownId,
    ),
  };
}

/** Tokenizes residues [start, end) of a sequence, with prefix and suffix. */
export function tokenize(tokenizer: Tokenizer, sequence: string, start: number, end: number): Int32Array {
  const { prefix, suffix, idOfAscii, unknownId } = tokenizer;
  const ids = new Int32Array(prefix.length + (end - start) + suffix.length);
  ids.set(prefix, 0);
  let at = prefix.length;
  for (let i = start; i < end; i++) ids[at++] = idOfAscii[sequence.charCodeAt(i)] ?? unknownId;
  ids.set(suffix, at);
  return ids;
}

/** Finds the first letter outside the vocabulary; -1 if there is none. */
export function findUnknownLetter({ idOfAscii, unknownId }: Tokenizer, sequence: string): number {
  for (let i = 0; i < sequence.length; i++)
    if ((idOfAscii[sequence.charCodeAt(i)] ?? unknownId) === unknownId) return i;
  return -1;
}
