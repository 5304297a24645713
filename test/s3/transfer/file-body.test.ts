import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FileBody } from '../../../workers/src/s3/transfer/file-body.ts';

test('a file is cut into parts as an array of its bytes would be, without holding any', () => {
  const sizes = fc.record({ bytes: fc.nat(1000), begin: fc.nat(1000), length: fc.nat(1000) });
  fc.assert(
    fc.property(sizes, ({ bytes, begin, length }) => {
      const first = Math.min(begin, bytes);
      const array = Uint8Array.from({ length: bytes }, (_, i) => i % 251);
      const body = new FileBody(0, bytes);
      expect(body.byteLength).toBe(bytes);
      for (const [part, copy] of [
        [body.subarray(first, first + length), array.subarray(first, first + length)],
        [body.subarray(first), array.subarray(first)],
        [body.subarray(first).subarray(0, length), array.subarray(first).subarray(0, length)],
      ] as const) {
        expect([part.start, part.byteLength]).toEqual([copy.byteOffset, copy.byteLength]);
        expect(part.buffer.byteLength).toBe(0);
      }
    }),
  );
});
