import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtobufWriter, readFields, readPacked } from '../../../workers/src/base/bytes/protobuf.ts';

const FIELD = fc.integer({ min: 1, max: 2 ** 29 - 1 });

describe('protobuf messages', () => {
  test('have the bytes of the encoding’s documentation', () => {
    const message = new ProtobufWriter()
      .integer(1, 150)
      .string(2, 'testing')
      .message(3, (inner) => inner.integer(1, -1))
      .packed(6, [3, 270, 86942])
      .float(7, 1)
      .finish();
    expect(Buffer.from(message).toString('hex')).toBe(
      `089601${'120774657374696e67'}${`1a0b08${'ff'.repeat(9)}01`}${'3206038e029ea705'}${'3d0000803f'}`,
    );
  });

  test('are read as they were written, and copied field by field', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(FIELD, fc.maxSafeInteger(), fc.uint8Array({ maxLength: 200 }))), (items) => {
        const writer = new ProtobufWriter();
        for (const [field, value, bytes] of items) writer.integer(field, value).bytes(field, bytes);
        const message = writer.finish();
        const fields = readFields(message);
        expect(fields.map(({ field }) => field)).toEqual(items.flatMap(([field]) => [field, field]));
        for (const [i, [, value, bytes]] of items.entries()) {
          expect(BigInt.asIntN(64, fields[2 * i]!.integer)).toBe(BigInt(value));
          expect(Buffer.from(fields[2 * i + 1]!.bytes)).toEqual(Buffer.from(bytes));
        }
        const copy = new ProtobufWriter();
        for (const field of fields) copy.copy(field);
        expect(Buffer.from(copy.finish())).toEqual(Buffer.from(message));
      }),
    );
  });

  test('hold packed integers up to the largest safe one', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat()), (values) => {
        const [field] = readFields(new ProtobufWriter().packed(9, values).finish());
        expect(readPacked(field!.bytes)).toEqual(values);
      }),
    );
    expect(() => readPacked(Uint8Array.of(0x80))).toThrow(RangeError);
  });

  test('that are damaged or truncated are a RangeError, or other fields', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          for (const { raw } of readFields(bytes)) expect(raw.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
    const message = new ProtobufWriter().string(1, 'abc').finish();
    for (let length = 1; length < message.length; length++)
      expect(() => readFields(message.subarray(0, length))).toThrow(RangeError);
    expect(() => new ProtobufWriter().integer(1, 2 ** 53)).toThrow(RangeError);
  });
});
