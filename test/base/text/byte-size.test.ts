import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatByteSize, parseByteSize } from '../../../workers/src/base/text/byte-size.ts';

describe('parseByteSize', () => {
  it.each([
    ['1000000', 1e6],
    ['2GB', 2e9],
    ['512 MiB', 512 * 2 ** 20],
    ['1.5kB', 1500],
    ['3 t', undefined],
    ['0', 0],
    ['', undefined],
    ['-1GB', undefined],
    ['2XB', undefined],
    ['1e9', undefined],
    ['GB', undefined],
  ])('reads %j', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });
});

describe('formatByteSize', () => {
  it('is parsed back to within 5%', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e15 }), (bytes) => {
        const back = parseByteSize(formatByteSize(bytes));
        expect(Math.abs(back! - bytes)).toBeLessThanOrEqual(bytes / 20);
      }),
    );
  });
});
