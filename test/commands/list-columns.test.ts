import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runHere, type Spoken } from '../support/command.ts';
import { missingPython, sharedFolder } from '../support/run.ts';
import { h5py } from '../support/shards.ts';

describe.skipIf(missingPython())('columns that --keep can name', () => {
  let folder = '';
  const at = (name: string) => join(folder, name);
  beforeAll(async () => {
    folder = await sharedFolder();
    await h5py(
      folder,
      `
import pyarrow as pa, pyarrow.parquet as pq
for name, seed in (('a', 1), ('b', 2)): shard(f'{name}.h5', rng.standard_normal((40, 4), 'f4'), [f'{name}{i}' for i in range(40)])
with h5py.File('a.h5', 'a') as f: f['taxon'] = ['t'] * 40; f['matrix'] = np.zeros((40, 2))
with h5py.File('b.h5', 'a') as f: f['length'] = np.arange(40); f['my column'] = np.arange(40)
vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(8, 'f4')), 4)
pq.write_table(pa.table(dict(id=['x', 'y'], score=[.5, 1], embedding=vectors)), 'c.parquet')
np.save('d.npy', np.ones((2, 4), 'f4')); open('d.txt', 'w').write('m\\nn\\n')
print('null')`,
    );
  });

  const list = async (names: string[], ...options: string[]) => {
    const { columns } = await runHere(['list-columns', '--input', ...names.map(at), ...options]);
    return (columns as Array<{ name: string; type: string }>).map(({ name, type }) => `${name} ${type}`);
  };

  it('are listed with their types, of HDF5 and Parquet', async () => {
    expect(await list(['a.h5', 'c.parquet', 'd.npy'])).toEqual(['taxon utf8', 'score float64']);
    expect(await list(['d.npy'])).toEqual([]);
  });

  it('end with the file in which all wanted ones were found', async () => {
    expect(await list(['a.h5', 'c.parquet', 'nowhere.h5'], '--until', 'taxon,score')).toEqual([
      'taxon utf8',
      'score float64',
    ]);
    // A name that none can have hides no other.
    expect(await list(['b.h5', 'd.npy'], '--until', 'taxn,length')).toEqual(['length int64']);
    expect(await list(['b.h5'])).toEqual(['length int64']);
  });

  it('are checked by pack-buckets before it reads a row', async () => {
    const pack = (keep: string, ...inputs: string[]) =>
      runHere(['pack-buckets', '--input', ...inputs.map(at), '--keep', keep, '--output', at('plan.json')]);
    await expect(pack('taxn,taxon,lenght', 'a.h5', 'b.h5')).rejects.toThrow(
      '--keep: no input has a column "taxn", "lenght". The inputs have taxon, length.',
    );
    await expect(pack('taxon', 'a.h5')).resolves.toMatchObject({ rows: 40 });
    await expect(pack('matrix', 'a.h5')).rejects.toThrow('the column "matrix" has the shape [40, 2]');
  });

  it('are noted by import-vectors where the file lacks one, and refused for .npy and FASTA', async () => {
    const spoken: Spoken = { lines: [] };
    const importing = (name: string, keep: string) =>
      runHere(['import-vectors', '--input', at(name), '--keep', keep, '--output', at('out.h5')], spoken);
    await importing('a.h5', 'taxon,taxn');
    expect(spoken.lines.join('\n')).toContain('a.h5: has no column taxn, so none of its rows has a value there.');
    await expect(importing('d.npy', 'taxon')).rejects.toThrow('has vectors alone, as every .npy file');
    await expect(importing('d.npy', 'all')).resolves.toMatchObject({ rows: 2 });
    const embed = ['embed-sequences', '--model', 'kmer', '--input', at('no.fasta'), '--output', at('out.h5')];
    await expect(runHere([...embed, '--keep', 'descripton'])).rejects.toThrow(
      '--keep descripton: FASTA has description and sequence alone',
    );
  });
});
