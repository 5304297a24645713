import * as z from 'zod/mini';
import { DataError } from '../../../base/errors.ts';
import { COUNT, checkDocument, TEXT } from '../../../base/text/document.ts';
import { parseJsonText } from '../../../base/text/json-text.ts';
import { type ModelDocument, textOf } from '../read-document.ts';

/** Parses a vocab.txt: one token per line; its id is the line number from 0. */
export function parseVocabTxt(document: ModelDocument): Map<string, number> {
  const lines = textOf(document).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return idsByPosition(document.path, lines);
}

/** Numbers tokens from 0. @throws DataError if a token occurs twice */
export function idsByPosition(path: string, tokens: readonly string[]): Map<string, number> {
  const ids = new Map(tokens.map((token, id): [string, number] => [token, id]));
  if (ids.size !== tokens.length) throw new DataError(`${path}: a token occurs twice.`);
  return ids;
}

/** The fields of a Hugging Face tokenizer.json that are read. */
const FIELDS = {
  added_tokens: z.nullish(z.array(z.object({ id: COUNT, content: TEXT }))),
  post_processor: z.nullish(z.object({ type: z.optional(z.string()), single: z.unknown() })),
};
const TOKENIZER_JSON = z.object({ model: z.object({ vocab: z.record(z.string(), COUNT) }), ...FIELDS });
/** Models of type Unigram list pieces with their scores; the id of a piece is its position. */
const UNIGRAM_JSON = z.object({
  model: z.object({ vocab: z.array(z.tuple([z.string(), z.number()])) }),
  ...FIELDS,
});
/** The special tokens that a processor of type TemplateProcessing adds to a sequence. */
const TEMPLATE = z.object({
  post_processor: z.object({
    single: z.array(z.object({ SpecialToken: z.optional(z.object({ id: TEXT })), Sequence: z.optional(z.unknown()) })),
  }),
});

/**
 * Parses a Hugging Face tokenizer.json whose tokens are single letters.
 * @returns the vocabulary, and the special tokens that its template adds to a sequence (undefined without a template)
 */
export function parseTokenizerJson(document: ModelDocument): {
  ids: Map<string, number>;
  prefix?: string[];
  suffix?: string[];
} {
  const { path } = document;
  const json = parseModelJson(document);
  const fail = (problem: string) => new DataError(`${path}: not a tokenizer that maps letters to ids: ${problem}.`);
  const isUnigram = Array.isArray((json as { model?: { vocab?: unknown } } | null)?.model?.vocab);
  const fields = isUnigram ? checkDocument(UNIGRAM_JSON, json, fail) : checkDocument(TOKENIZER_JSON, json, fail);
  const { vocab } = fields.model;
  const ids = Array.isArray(vocab)
    ? idsByPosition(
        path,
        vocab.map(([piece]) => piece),
      )
    : new Map(Object.entries(vocab));
  for (const { content, id } of fields.added_tokens ?? []) ids.set(content, id);
  if (fields.post_processor?.type !== 'TemplateProcessing') return { ids };
  const { single: template } = checkDocument(TEMPLATE, json, fail).post_processor;
  const at = template.findIndex((piece) => piece.Sequence !== undefined);
  if (at < 0) throw new DataError(`${path}: "post_processor.single" has no place for the sequence.`);
  const tokens = template.map((piece) => piece.SpecialToken?.id ?? '');
  return { ids, prefix: tokens.slice(0, at), suffix: tokens.slice(at + 1) };
}

/** Parses a JSON document of a model. @throws DataError if it is not JSON */
export function parseModelJson(document: ModelDocument): unknown {
  try {
    return parseJsonText(textOf(document));
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`${document.path}: not valid JSON: ${(error as Error).message}`, { cause: error });
  }
}
