import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DataError } from '../../workers/src/base/errors.ts';
import { findWeights, readSafetensorsHeader } from '../../workers/src/onnx/safetensors.ts';
import { encodeSafetensors, randomTensors } from '../models/support/checkpoint.ts';
import { temporaryFolder } from '../support/run.ts';

function withHeader(header: unknown, data = new Uint8Array()): Buffer {
  const json = typeof header === 'string' ? header : JSON.stringify(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
  return Buffer.concat([length, Buffer.from(json), data]);
}

test('returns the location of each tensor', async () => {
  const path = join(await temporaryFolder(), 'w.safetensors');
  const file = encodeSafetensors(randomTensors({ a: [2, 3], b: [4], scalar: [] }, 1, 'F16'), 'F16');
  await writeFile(path, file);
  const tensors = await readSafetensorsHeader(path);
  const dataAt = file.length - 22;
  expect(tensors.get('a')).toEqual({ path, offset: dataAt, byteLength: 12, type: 'F16', shape: [2, 3] });
  expect(tensors.get('b')).toEqual({ path, offset: dataAt + 12, byteLength: 8, type: 'F16', shape: [4] });
  expect(tensors.get('scalar')).toMatchObject({ offset: dataAt + 20, byteLength: 2, shape: [] });
  expect(tensors.has('__metadata__')).toBe(false);
});

test.each<[string, Uint8Array, RegExp]>([
  ['empty', new Uint8Array(), /it has only 0 bytes/],
  ['shorter than its length field', new Uint8Array(5), /it has only 5 bytes/],
  ['cut off in its header', withHeader({ a: {} }).subarray(0, 12), /truncated: it has 12 of 16 bytes/],
  ['without JSON', withHeader('{"a":'), /header: not valid JSON/],
  ['with a list for a header', withHeader('[1]'), /header: not a JSON object/],
  ['with a tensor that is null', withHeader({ a: null }), /tensor "a": no valid dtype/],
  ['with an unknown dtype', withHeader({ a: { dtype: 'Q4', shape: [], data_offsets: [0, 0] } }), /dtype "Q4"/],
  ['with negative sizes', withHeader({ a: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }), /no valid dtype/],
  [
    'with sizes that overflow',
    withHeader({ a: { dtype: 'F32', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 4] } }),
    /needs .* bytes, but the header assigns 4 to it/,
  ],
  [
    'with offsets in reverse',
    withHeader({ a: { dtype: 'U8', shape: [4], data_offsets: [4, 0] } }, new Uint8Array(4)),
    /needs 4 bytes, but the header assigns -4 to it/,
  ],
  [
    'with offsets past its end',
    withHeader({ a: { dtype: 'U8', shape: [4], data_offsets: [1, 5] } }, new Uint8Array(4)),
    /truncated/,
  ],
  [
    'with a hole',
    withHeader(
      { a: { dtype: 'U8', shape: [2], data_offsets: [0, 2] }, b: { dtype: 'U8', shape: [1], data_offsets: [3, 4] } },
      new Uint8Array(4),
    ),
    /"b" begins at byte \d+, but the previous one ends/,
  ],
  [
    'with bytes of two tensors',
    withHeader(
      { a: { dtype: 'U8', shape: [3], data_offsets: [0, 3] }, b: { dtype: 'U8', shape: [2], data_offsets: [2, 4] } },
      new Uint8Array(4),
    ),
    /"b" begins at byte/,
  ],
  [
    'with more data than its tensors have',
    withHeader({ a: { dtype: 'U8', shape: [3], data_offsets: [0, 3] } }, new Uint8Array(4)),
    /1 byte after the last tensor/,
  ],
])('refuses a file %s', async (_what, bytes, expected) => {
  const path = join(await temporaryFolder(), 'w.safetensors');
  await writeFile(path, bytes);
  const error = await readSafetensorsHeader(path).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DataError);
  expect((error as Error).message).toMatch(expected);
  expect((error as Error).message).toContain(path);
});

test('arbitrary bytes are a DataError, never a crash', async () => {
  const path = join(await temporaryFolder(), 'w.safetensors');
  const whole = encodeSafetensors(randomTensors({ a: [2, 3], b: [4] }, 1, 'F32'));
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), async (at, byte, length) => {
      const bytes = Uint8Array.from(whole);
      bytes[at] = byte;
      await writeFile(path, bytes.subarray(0, length));
      await readSafetensorsHeader(path).catch((error: unknown) => expect(error).toBeInstanceOf(DataError));
    }),
    { numRuns: 200 },
  );
});

test.each<[string, unknown, RegExp]>([
  ['without a map', {}, /no "weight_map"/],
  ['with a missing file', { weight_map: { a: 'model-1.safetensors' } }, /names model-1.safetensors, which is not/],
  [
    'that leads out of the folder',
    { weight_map: { a: '../x.safetensors' } },
    /"..\/x.safetensors" is not the name of a file/,
  ],
  ['that names nothing', { weight_map: { a: '' } }, /"" is not the name of a file/],
  ['with a NUL byte', { weight_map: { a: 'x\0' } }, /"x\\u0000" is not the name of a file/],
  ['that names no text', { weight_map: { a: 3 } }, /3 is not the name of a file/],
])('refuses an index %s', async (_what, index, expected) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
  await expect(findWeights(folder)).rejects.toThrow(expected);
});
