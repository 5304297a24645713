import { describe, expect, it } from 'vitest';
import { readPageHeader, readVarint } from '../../../../workers/src/hits/parquet/pages/page-header.ts';

/** A header as parquet.thrift defines it: data page, 300 bytes, 200 stored, 64 values, by dictionary. */
const DATA_PAGE = [
  0x15, 0x00, 0x15, 0xd8, 0x04, 0x15, 0x90, 0x03, 0x2c, 0x15, 0x80, 0x01, 0x15, 0x10, 0x15, 0x06, 0x15, 0x06,
];
const STATISTICS = [0x1c, 0x18, 0x02, 0x61, 0x62, 0x16, 0x00, 0x11, 0x12, 0x00];
const page = (...bytes: number[]) => Uint8Array.from([...bytes, ...new Array(200).fill(0xff)]);

describe('readPageHeader', () => {
  it('reads a data page, and skips statistics', () => {
    const header = { kind: 'data', pageBytes: 300, storedBytes: 200, values: 64, encoding: 8 };
    expect(readPageHeader(page(...DATA_PAGE, 0, 0), 0)).toEqual({ ...header, end: 20 });
    const long = readPageHeader(page(9, 9, ...DATA_PAGE, ...STATISTICS, 0, 0), 2);
    expect(long).toEqual({ ...header, end: 32 });
  });

  it('reads a dictionary page', () => {
    const bytes = page(0x15, 0x04, 0x15, 0x14, 0x15, 0x14, 0x4c, 0x15, 0x04, 0x15, 0x00, 0x00, 0x00);
    expect(readPageHeader(bytes, 0)).toEqual({
      kind: 'dictionary',
      pageBytes: 10,
      storedBytes: 10,
      values: 2,
      encoding: 0,
      end: 13,
    });
  });

  it.each([
    ['is truncated', DATA_PAGE.slice(0, 9)],
    ['is of another kind', [0x15, 0x06, 0x15, 0x14, 0x15, 0x14, 0x00]],
    ['lacks its sizes', [0x15, 0x00, 0x00]],
    ['exceeds its column', [...DATA_PAGE, 0, 0]],
    ['is no header', [0xff, 0xff, 0xff, 0xff]],
  ])('refuses a page that %s', (_, bytes) => {
    expect(() => readPageHeader(Uint8Array.from(bytes), 0)).toThrow(RangeError);
  });
});

describe('readVarint', () => {
  it('reads numbers of one byte and of several', () => {
    expect(readVarint(Uint8Array.of(0x7f), 0)).toEqual([127, 1]);
    expect(readVarint(Uint8Array.of(0, 0xac, 0x02), 1)).toEqual([300, 3]);
    expect(readVarint(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), 0)).toEqual([2 ** 32 - 1, 5]);
    expect(() => readVarint(new Uint8Array(20).fill(0x80), 0)).toThrow('no end');
  });
});
