import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { threadCount, unitRows, unitsOf } from '../../workers/src/ingest/units.ts';

const GIB = 2 ** 30;

/** Sources of these numbers of rows, each a part of a shard. */
function sourcesOf(lengths: readonly number[]) {
  return lengths.map((rows, shard) => ({
    shard,
    path: `${shard}.h5`,
    rows: rows + 7,
    start: 3,
    end: 3 + rows,
    contentHash: 'x',
    vectorType: 'float32' as const,
  }));
}

describe('unitRows', () => {
  it('grows with the square root of the bucket, so that neither units nor what each reads of another are many or small', () => {
    for (const [rows, rowBytes] of [
      [200e6, 3872],
      [200e6, 1952],
      [50e6, 3872],
      [200e6, 48],
    ] as const) {
      const unit = unitRows(rows, rowBytes);
      const units = Math.ceil(rows / unit);
      // What is at one place of a run for one fragment, on average.
      expect((unit * rowBytes) / units).toBeGreaterThan(255 * 1024);
      expect(units).toBeLessThanOrEqual(3000);
    }
  });

  it('is of 16 MiB in small buckets, one row at least, and 1 GiB at most', () => {
    expect(unitRows(300_000, 3872)).toBe(Math.floor(Math.sqrt(2 ** 18 * 300_000 * 3872) / 3872));
    expect(unitRows(1000, 4096)).toBe(4096);
    expect(unitRows(3, 4 * GIB)).toBe(1);
    expect(unitRows(10e9, 4096)).toBe(GIB / 4096);
  });
});

describe('unitsOf', () => {
  it('has each row of each source in one unit, in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 30 }),
        (lengths, rows) => {
          const sources = sourcesOf(lengths);
          const units = [...unitsOf(sources, rows)];
          const total = lengths.reduce((sum, length) => sum + length, 0);
          expect(units.map(({ number }) => number)).toEqual(units.map((_, i) => i));
          expect(units.map(({ firstRow }) => firstRow)).toEqual(units.map((_, i) => i * rows));
          const sizes = units.map(({ ranges }) => ranges.reduce((sum, { start, end }) => sum + end - start, 0));
          expect(sizes).toEqual(units.map((_, i) => Math.min(rows, total - i * rows)));
          const found = units.flatMap(({ ranges }) =>
            ranges.flatMap(({ index, start, end }) =>
              Array.from({ length: end - start }, (_, i) => `${index}/${start + i}`),
            ),
          );
          const expected = sources.flatMap(({ shard, start, end }) =>
            Array.from({ length: end - start }, (_, i) => `${shard}/${start + i}`),
          );
          expect(found).toEqual(expected);
        },
      ),
    );
  });
});

describe('threadCount', () => {
  it('is what was asked for, as far as there is work and memory', () => {
    expect(threadCount(32, 1700, 450e6, 256 * GIB)).toBe(32);
    expect(threadCount(32, 1700, 450e6, 8 * GIB)).toBeLessThan(16);
    expect(threadCount(32, 1700, 450e6, GIB / 4)).toBe(1);
    expect(threadCount(32, 3, 16e6, 64 * GIB)).toBe(1);
    expect(threadCount(32, 70, 17e6, 64 * GIB)).toBe(4);
    expect(threadCount(1, 1700, 450e6, 256 * GIB)).toBe(1);
  });

  it('takes less than 600 MB, and 100 MB a thread, for buckets of up to 2 million x 960', () => {
    // The buffers of the units; the rest is measured in test/faults/memory.test.ts.
    for (const rows of [1e5, 3e5, 1e6, 2e6]) expect(unitRows(rows, 3872) * 3840).toBeLessThan(48e6);
  });
});
