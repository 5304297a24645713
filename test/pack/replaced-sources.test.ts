import { describe, expect, it } from 'vitest';
import { DataError, UsageError } from '../../workers/src/base/errors.ts';
import type { PlanSource } from '../../workers/src/database/catalog/bucket-plan.ts';
import type { KnownBucket } from '../../workers/src/pack/known-bucket.ts';
import { findReplaced, planReplacement } from '../../workers/src/pack/replaced-sources.ts';

const source = (path: string, contentHash: string): PlanSource => ({
  ...{ shard: 0, path, rows: 10, start: 0, end: 10, contentHash, vectorType: 'float32' },
});

const bucket = (name: string, ...sources: PlanSource[]): KnownBucket => ({
  ...{ bucket: name, fingerprint: '0', rows: 10 * sources.length, dimension: 4, model: {}, sources },
  ...{ columns: undefined, replaces: undefined, revision: undefined },
});

const input = (path: string, rowHash: string, rows = 10) => ({ path, rowHash, rows });

function plan(inputs: ReadonlyArray<ReturnType<typeof input>>, ...entries: KnownBucket[]) {
  return planReplacement(inputs, entries, findReplaced(inputs, entries));
}

describe('planReplacement', () => {
  it('replaces the changed parts of a large file, and keeps the others', () => {
    const held = bucket('bucket_00001', source('/x/a.fa#1', 'a1'), source('/x/a.fa#2', 'a2'), source('/x/b.fa', 'b'));
    const inputs = [input('/x/b.fa', 'b'), input('/x/a.fa#1', 'a1'), input('/x/a.fa#2', 'new')];
    expect(plan(inputs, held)).toEqual({
      sources: [{ path: '/x/a.fa#2', rowHash: 'a2' }],
      versions: inputs.slice(1),
      kept: [0, 1],
    });
    // The file is no longer large.
    expect(plan([input('/x/a.fa', 'one'), inputs[0]!], held)?.sources.map(({ rowHash }) => rowHash)).toEqual([
      'a1',
      'a2',
    ]);
  });

  it('finds the rows of a source in all buckets, also under a name that the file had before', () => {
    const entries = [
      bucket('bucket_00001', source('s3://x/a.h5', 'a')),
      bucket('bucket_00002', source('/old/a.h5', 'a'), source('/b', 'b')),
    ];
    const inputs = [input('s3://x/a.h5', 'new'), input('/b', 'b')];
    expect(plan(inputs, ...entries)).toMatchObject({ sources: [{ rowHash: 'a' }], kept: [1] });
    expect(() => plan(inputs.slice(0, 1), ...entries)).toThrow(/bucket_00002 has rows of .* and of \/b/);
  });

  it('takes files of the same name in two folders for different ones', () => {
    expect(plan([input('/y/a.h5', 'new')], bucket('bucket_00001', source('/x/a.h5', 'a')))).toBeUndefined();
    const relative = () => plan([input('a.h5', 'new')], bucket('bucket_00001', source('a.h5', 'a')));
    expect(relative).toThrow(UsageError);
    expect(relative).toThrow(/a\.h5 is a relative path/);
  });

  it('refuses a bucket whose rows another client changed', () => {
    const held = bucket('bucket_00001', source('/x/a.fa', 'a'));
    const plans = [{ addedRows: 1 }, { isAdopted: true as const }, {}].map((change) => {
      const revision = { of: [], removedRows: 3, addedRows: 0, ...change };
      return () => plan([input('/x/a.fa', 'new')], { ...held, revision });
    });
    for (const refused of plans.slice(0, 2)) expect(refused).toThrow(/which cannot be told from those of \/x\/a\.fa/);
    expect(plans[2]!()).toBeDefined();
  });

  it('refuses a new version without rows', () => {
    const held = bucket('bucket_00001', source('/x/a.fa', 'a'));
    expect(() => plan([input('/x/a.fa', 'none', 0), input('/x/b.fa', 'b')], held)).toThrow(DataError);
    expect(() => plan([input('/x/a.fa', 'none', 0), input('/x/b.fa', 'b')], held)).toThrow(/a\.fa has no sequences/);
    // An empty part, beside others.
    expect(plan([input('/x/a.fa#1', 'none', 0), input('/x/a.fa#2', 'b')], held)).toBeDefined();
  });
});
