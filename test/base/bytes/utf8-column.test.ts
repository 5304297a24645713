import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  columnBytes,
  columnCopy,
  columnFrom,
  columnFromBytes,
  columnLength,
  columnSlice,
  columnText,
  columnTexts,
  concatenateColumns,
} from '../../../workers/src/base/bytes/utf8-column.ts';

const texts = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom('', '\0', 'a\0b', 'é', '漢字', '😀', '👩‍👩‍👧', 'x'.repeat(10_000)),
  ),
  { maxLength: 20 },
);

describe('a UTF-8 column', () => {
  it('returns the texts it was built from', () => {
    fc.assert(
      fc.property(texts, (rows) => {
        const column = columnFrom(rows);
        expect(columnLength(column)).toBe(rows.length);
        expect(columnTexts(column)).toEqual(rows);
        for (const [i, text] of rows.entries()) {
          expect(columnText(column, i)).toBe(text);
          expect(Buffer.from(columnBytes(column, i))).toEqual(Buffer.from(text));
        }
      }),
    );
  });

  it('is the same built from the bytes of the texts, in memory of its own', () => {
    fc.assert(
      fc.property(texts, (rows) => {
        const bytes = rows.map((row) => new TextEncoder().encode(row));
        const column = columnFromBytes(bytes);
        for (const each of bytes) each.fill(0);
        expect(column).toEqual(columnFrom(rows));
      }),
    );
  });

  it('copies a range like a slice, in memory of its own', () => {
    fc.assert(
      fc.property(texts, fc.nat(20), fc.nat(20), (rows, a, b) => {
        const [start, end] = [Math.min(a, b, rows.length), Math.min(Math.max(a, b), rows.length)];
        const column = columnFrom(rows);
        const copy = columnCopy(column, start, end);
        expect(copy).toEqual(columnSlice(column, start, end));
        expect(columnCopy(column)).toEqual(column);
        column.bytes.fill(0);
        expect(columnTexts(copy)).toEqual(rows.slice(start, end));
      }),
    );
  });

  it('slices like an array, repeatedly too', () => {
    fc.assert(
      fc.property(texts, fc.nat(20), fc.nat(20), fc.nat(20), (rows, a, b, c) => {
        const [start, end] = [Math.min(a, b, rows.length), Math.min(Math.max(a, b), rows.length)];
        const slice = columnSlice(columnFrom(rows), start, end);
        expect(slice.offsets[0]).toBe(0);
        expect(columnTexts(slice)).toEqual(rows.slice(start, end));
        const inner = Math.min(c, end - start);
        expect(columnTexts(columnSlice(slice, inner, end - start))).toEqual(rows.slice(start, end).slice(inner));
      }),
    );
  });

  it('concatenates columns, slices and empty columns', () => {
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 5 }), fc.nat(3), (parts, skip) => {
        const columns = parts.map((rows) => columnSlice(columnFrom(['skipped', ...rows]), 1, rows.length + 1));
        expect(columnTexts(concatenateColumns(columns))).toEqual(parts.flat());
        expect(columnTexts(concatenateColumns(columns.slice(skip)))).toEqual(parts.slice(skip).flat());
      }),
    );
  });

  it('refuses bytes that are not UTF-8', () => {
    const column = { offsets: Int32Array.of(0, 1), bytes: Uint8Array.of(0xe9) };
    expect(() => columnText(column, 0)).toThrow(TypeError);
  });
});
