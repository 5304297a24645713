import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProtobufWriter } from '../../../../workers/src/base/bytes/protobuf.ts';
import { DataError } from '../../../../workers/src/base/errors.ts';
import { parseSentencePiece } from '../../../../workers/src/embed/transformer/tokenizers/sentencepiece.ts';

/** A SentencePiece model; fields other than the pieces are written as in real files, before and after them. */
function spiece(pieces: readonly string[]): Buffer {
  const writer = new ProtobufWriter();
  for (const [i, piece] of pieces.entries()) writer.message(1, (w) => w.string(1, piece).float(2, -i).integer(3, 1));
  writer.message(2, (trainer) => trainer.integer(3, 1).string(1, '▁x'));
  return Buffer.from(writer.finish());
}

const document = (name: string, content: Buffer | object) => ({
  path: `/models/m/${name}`,
  bytes: Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content)),
});
const NO_SENTINELS = document('tokenizer_config.json', { extra_ids: 0 });

test('ids are positions of pieces, whatever the pieces are', () => {
  const pieces = fc.uniqueArray(
    fc.string({ unit: 'grapheme', minLength: 1 }).filter((piece) => !piece.startsWith('<extra')),
    { minLength: 1, maxLength: 40 },
  );
  fc.assert(
    fc.property(pieces, (list) => {
      const ids = parseSentencePiece([document('spiece.model', spiece(list)), NO_SENTINELS]);
      expect([...ids]).toEqual(list.map((piece, id) => [piece, id]));
    }),
    { numRuns: 50 },
  );
});

test('sentinels follow the pieces, the last of them with number 0', () => {
  const ids = parseSentencePiece([document('spiece.model', spiece(['<pad>', '</s>', '<unk>']))]);
  expect(ids.size).toBe(103);
  expect(ids.get('<extra_id_99>')).toBe(3);
  expect(ids.get('<extra_id_0>')).toBe(102);
});

test('tokens are added by added_tokens.json, and by tokenizer_config.json', () => {
  const model = document('spiece.model', spiece(['<pad>', '</s>', '<unk>', '▁A']));
  const added = document('added_tokens.json', { '<AA2fold>': 7 });
  const config = document('tokenizer_config.json', {
    extra_ids: 2,
    added_tokens_decoder: { 0: { content: '<pad>' }, 4: { content: '<extra_id_1>' }, 6: { content: '<fold2AA>' } },
  });
  expect([...parseSentencePiece([model, added, config])]).toEqual([
    ['<pad>', 0],
    ['</s>', 1],
    ['<unk>', 2],
    ['▁A', 3],
    ['<extra_id_1>', 4],
    ['<extra_id_0>', 5],
    ['<AA2fold>', 7],
    ['<fold2AA>', 6],
  ]);
});

test('a file that is not a model, or damaged, is refused with its name', () => {
  const good = spiece(['<pad>', '▁A', '▁é']);
  const refusal = (bytes: Buffer) => () => parseSentencePiece([document('spiece.model', bytes)]);
  expect(refusal(Buffer.alloc(0))).toThrow('/models/m/spiece.model: a SentencePiece model without pieces');
  expect(refusal(Buffer.from('{"version": "1.0"}'))).toThrow(/spiece\.model: not a SentencePiece model/);
  expect(refusal(spiece(['A', 'A']))).toThrow('spiece.model: a token occurs twice');
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, length) => {
      const damaged = Buffer.from(good);
      damaged[at] = byte;
      try {
        parseSentencePiece([document('spiece.model', damaged.subarray(0, length))]);
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
        expect((error as Error).message).toContain('/models/m/spiece.model');
      }
    }),
  );
});

test.each<[string, object, RegExp]>([
  ['added_tokens.json', { a: -1 }, /added_tokens\.json: .*"a" is -1; it must be a whole number from 0/],
  ['tokenizer_config.json', { extra_ids: 1e9 }, /"extra_ids" is 1000000000; it must be a whole number from 0 to 10000/],
  ['tokenizer_config.json', { added_tokens_decoder: { 3: 'x' } }, /"added_tokens_decoder\.3" is "x"|must be an object/],
])('%s with %j is refused', (name, content, message) => {
  expect(() => parseSentencePiece([document('spiece.model', spiece(['A'])), document(name, content)])).toThrow(message);
});
