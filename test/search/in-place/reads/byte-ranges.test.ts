import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ByteRange } from '../../../../workers/src/lance/format/file-format.ts';
import { joinRanges, missingRanges } from '../../../../workers/src/search/in-place/reads/byte-ranges.ts';

const RANGES = fc.array(fc.record({ offset: fc.nat(60), bytes: fc.nat(12) }), { maxLength: 12 });

function bytesOf(ranges: readonly ByteRange[]): number[] {
  const all = new Set(ranges.flatMap(({ offset, bytes }) => Array.from({ length: bytes }, (_, i) => offset + i)));
  return [...all].sort((a, b) => a - b);
}

describe('joinRanges', () => {
  it('has the bytes of all ranges, in order, and no two that touch', () => {
    fc.assert(
      fc.property(RANGES, (ranges) => {
        const joined = joinRanges(ranges);
        for (const [i, range] of joined.entries())
          if (i > 0) expect(range.offset).toBeGreaterThan(joined[i - 1]!.offset + joined[i - 1]!.bytes);
        expect(bytesOf(joined)).toEqual(bytesOf(ranges));
      }),
    );
  });
});

describe('missingRanges', () => {
  it('has the bytes that are wanted and not known', () => {
    fc.assert(
      fc.property(RANGES, RANGES, (wanted, known) => {
        const missing = missingRanges(joinRanges(wanted), joinRanges(known));
        const has = new Set(bytesOf(known));
        expect(bytesOf(missing)).toEqual(bytesOf(wanted).filter((byte) => !has.has(byte)));
        expect(missing.every(({ bytes }) => bytes > 0)).toBe(true);
      }),
    );
  });
});
