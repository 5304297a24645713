import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BuildWork,
  bucketSeconds,
  buildPhases,
  OVERLAPPING,
  phaseTime,
} from '../../../workers/src/forecast/model/bucket-time.ts';
import type { Machine } from '../../../workers/src/forecast/model/model-machine.ts';
import { computingSeconds, EVEN } from '../../../workers/src/forecast/model/speed-up.ts';
import { ROOT } from '../../support/run.ts';

const MACHINE: Machine = {
  ...{ name: 'm', cores: 10, dollarsPerHour: 1 },
  ...{ diskBytesPerSecond: 1e9, networkBytesPerSecond: 2e9 },
};
const work = (more: Partial<BuildWork> = {}): BuildWork => ({
  ingest: { cpuSeconds: 0, division: EVEN },
  index: { cpuSeconds: 0, division: EVEN },
  transferCpuSecondsPerByte: 0,
  isOrdered: true,
  ...more,
});
/** 100 GB of vectors in shards and table, 10 GB of index and ids. */
const BYTES = { rows: 1e9, shard: 100, vector: 100, rest: 10 };

describe('the time of a bucket', () => {
  it('counts every byte that the disks and the network move', () => {
    const phases = buildPhases(BYTES, work());
    const bytes = (of: 'diskBytes' | 'networkBytes') => phases.map((phase) => phase[of] / 1e9);
    // Shards are written; read, runs written and read, table written; table read; table read; index read.
    expect(bytes('diskBytes')).toEqual([100, 400, 100, 110, 10]);
    expect(bytes('networkBytes')).toEqual([100, 0, 100, 0, 10]);
    expect(buildPhases(BYTES, work({ isOrdered: false }))[1]!.diskBytes / 1e9).toBe(200);
    const half = buildPhases({ ...BYTES, shard: 50, vector: 50 }, work());
    expect(half.map(({ diskBytes }) => diskBytes / 1e9)).toEqual([50, 200, 50, 60, 10]);
  });

  it('is that of the slowest resource of each phase', () => {
    const busy = { cpuSeconds: 5000, division: { loneShare: 0.1, evenness: 1 } };
    const phases = buildPhases(BYTES, work({ ingest: busy, transferCpuSecondsPerByte: 2e-7 }));
    const times = phases.map((phase) => phaseTime(phase, MACHINE));
    expect(times.map(({ seconds }) => seconds)).toEqual([2000, 5000 * (0.1 + 0.9 / 10), 2000, 110, 200]);
    expect(times[0]).toMatchObject({ name: 'fetch shards', cores: 2000, disk: 100, network: 50, seconds: 2000 });
  });

  it('is shorter where phases overlap, but no resource works faster', () => {
    const positive = fc.double({ min: 0, max: 1e6, noNaN: true });
    const phase = fc.record({ cpuSeconds: positive, diskBytes: positive, networkBytes: positive });
    fc.assert(
      fc.property(fc.array(phase, { minLength: 1 }), (phases) => {
        const times = phases.map((one) => phaseTime({ name: 'x', division: EVEN, ...one }, MACHINE));
        const { seconds, overlapped } = bucketSeconds(times);
        expect(overlapped).toBeLessThanOrEqual(seconds * (1 + 1e-9));
        for (const resource of ['cores', 'disk', 'network'] as const)
          expect(overlapped).toBeGreaterThanOrEqual(Math.max(...times.map((time) => time[resource])) * (1 - 1e-9));
      }),
    );
  });

  it('takes the busiest resource of phases that overlap', () => {
    const time = (name: string, cores: number, disk: number) => ({
      ...{ name, cores, disk, network: 0, seconds: Math.max(cores, disk), cpuSeconds: cores },
    });
    const times = [time('ingest', 10, 4), time('publish', 1, 7), time('index', 5, 5)];
    expect(bucketSeconds(times, []).seconds).toBe(22);
    expect(bucketSeconds(times, [['ingest', 'publish']]).seconds).toBe(11 + 5);
  });

  it('assumes that phases overlap if, and only if, tables are published while they are built', async () => {
    const publisher = await readFile(join(ROOT, 'workers/src/database/table-publisher.ts'), 'utf8');
    const overlapping = publisher.includes('publishEarly')
      ? [
          ['ingest', 'publish the table'],
          ['index', 'publish the index'],
        ]
      : [];
    expect(OVERLAPPING, 'change it, and run: node bench/scale.ts --page').toEqual(overlapping);
  });

  it('divides computing among cores as evenly as threads shared it', () => {
    expect(computingSeconds(100, EVEN, 10)).toBeCloseTo(10);
    expect(computingSeconds(100, { loneShare: 1, evenness: 1 }, 10)).toBeCloseTo(100);
    expect(computingSeconds(100, { loneShare: 0, evenness: 0.5 }, 10)).toBeCloseTo(20);
  });
});
