import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runHere, type Spoken } from '../support/command.ts';
import { missingPython, python, sharedFolder } from '../support/run.ts';

/** Columns of every type that pyarrow and pandas write for texts and numbers, and others. */
const MAKE = `
import os, sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq, pandas as pd
os.chdir(sys.argv[1])
N = 5000
rows = range(N)
vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.random.default_rng(1).standard_normal(N * 4).astype('f4')), 4)
own = dict(id=[f'p{i}' for i in rows], embedding=vectors)
columns = dict(
    text=[f'é{i % 7}' for i in rows], large=pa.array([f'l{i}' for i in rows], pa.large_string()),
    category=pa.array([f'c{i % 3}' for i in rows]).dictionary_encode(), hole=[None if i % 5 == 0 else f'h{i}' for i in rows],
    small=pa.array([i % 100 for i in rows], pa.int8()), unsigned=pa.array([2**40 + i for i in rows], pa.uint64()),
    whole=pa.array([2**62 + i for i in rows], pa.int64()), gap=pa.array([None if i == 4321 else i for i in rows], pa.int32()),
    single=pa.array([None if i % 4 == 0 else i / 4 for i in rows], pa.float32()), double=[float('nan') if i == 3 else i / 3 for i in rows])
others = dict(flag=[True] * N, day=pa.array([0] * N, pa.date32()), pair=[[1, 2]] * N)
pq.write_table(pa.table({**own, **columns, **others}), 'all.parquet', row_group_size=1300)
frame = pd.DataFrame(dict(embedding=list(np.ones((N, 4), 'f4')), length=range(N)), index=own['id'])
frame.to_parquet('pandas.parquet')
pq.write_table(pa.table({**own, 'a b': list(rows)}), 'name.parquet')
pq.write_table(pa.table({**own, 'big': pa.array([2**63 + 5 if i == 4321 else 0 for i in rows], pa.uint64())}), 'big.parquet')
pq.write_table(pa.table({**own, 'wide': pa.array([None if i == 1 else 2**53 + 1 for i in rows], pa.int64())}), 'wide.parquet')
pq.write_table(pa.table({**own, 'nul': ['a\\0b' if i == 4321 else '' for i in rows]}), 'nul.parquet')
print('null')`;

/** Compares a shard's columns, as h5py reads them, with the file, as pyarrow reads it. Returns the names of those that are equal. */
const COMPARE = `
import sys, json, h5py, math, pyarrow.parquet as pq
table, equal = pq.read_table(sys.argv[1]), {}
with h5py.File(sys.argv[2]) as f:
    for name in f:
        if name in ('embedding', 'id'): continue
        stored = f[name].asstr()[:].tolist() if f[name].dtype.kind == 'O' else f[name][:].tolist()
        wanted = table[name].to_pylist()
        missing = '' if f[name].dtype.kind == 'O' else math.nan
        same = lambda a, b: a == b or (a != a and b != b)
        equal[name] = str(f[name].dtype) + (' same' if all(same(a, missing if b is None else b) for a, b in zip(stored, wanted, strict=True)) else ' differs')
print(json.dumps(equal))`;

describe.skipIf(missingPython())('columns of Parquet', () => {
  let folder = '';
  const at = (name: string) => join(folder, name);
  const importing = (name: string, keep: string, spoken?: Spoken) =>
    runHere(['import-vectors', '--input', at(name), '--keep', keep, '--output', at('out.h5')], spoken);
  const compare = (name: string) => python<Record<string, string>>(COMPARE, at(name), at('out.h5'));

  beforeAll(async () => {
    folder = await sharedFolder();
    await python(MAKE, folder);
  });

  it('are the values that pyarrow reads: --keep all', async () => {
    const spoken: Spoken = { lines: [] };
    expect(await importing('all.parquet', 'all', spoken)).toMatchObject({ rows: 5000 });
    expect(await compare('all.parquet')).toEqual({
      ...{ text: 'object same', large: 'object same', category: 'object same', hole: 'object same' },
      ...{ small: 'int64 same', unsigned: 'int64 same', whole: 'int64 same', gap: 'float64 same' },
      ...{ single: 'float64 same', double: 'float64 same' },
    });
    const notes = spoken.lines.filter((line) => line.includes('are missing'));
    expect(notes).toEqual([expect.stringContaining('texts of the column "hole" are missing')]);
  });

  it('are those that --keep names, and none by default or with --keep none', async () => {
    await importing('all.parquet', 'whole,text');
    expect(await compare('all.parquet')).toEqual({ whole: 'int64 same', text: 'object same' });
    await importing('pandas.parquet', 'all');
    expect(await compare('pandas.parquet')).toEqual({ length: 'int64 same' });
    await importing('all.parquet', 'none');
    expect(await compare('all.parquet')).toEqual({});
    await runHere(['import-vectors', '--input', at('all.parquet'), '--output', at('out.h5')]);
    expect(await compare('all.parquet')).toEqual({});
  });

  it.each([
    ['all.parquet', 'flag', /the column "flag" is Bool; a kept column has strings/],
    ['all.parquet', 'pair', /the column "pair" is List<Int64>/],
    ['name.parquet', 'all', /a column cannot be called "a b"/],
    ['big.parquet', 'big', /"big" of row 4321 is 9223372036854775813, more than an int64 holds/],
    ['wide.parquet', 'wide', /"wide" of row 0 is 9007199254740993\. The column is kept as float64/],
    ['nul.parquet', 'nul', /"nul" of row 4321 has a NUL character/],
  ])('%s --keep %s is refused', async (name, keep, message) => {
    await writeFile(at('out.h5'), '');
    await expect(importing(name, keep)).rejects.toThrow(message);
    await expect(importing(name, keep)).rejects.toThrow(at(name));
  });
});
