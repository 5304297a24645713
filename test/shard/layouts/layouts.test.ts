import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { columnFrom, columnTexts } from '../../../workers/src/base/bytes/utf8-column.ts';
import { DataError } from '../../../workers/src/base/errors.ts';
import { DatasetList } from '../../../workers/src/shard/layouts/dataset-list.ts';
import { idsOfPaths } from '../../../workers/src/shard/layouts/ids-of-paths.ts';
import { ProteinDatasets } from '../../../workers/src/shard/layouts/protein-table.ts';
import type { VectorDataset } from '../../../workers/src/shard/layouts/survey-datasets.ts';
import { openShard } from '../../../workers/src/shard/shard-reader.ts';
import { missingPython, sharedFolder } from '../../support/run.ts';
import { h5py, readShard } from '../../support/shards.ts';

/** Files as other tools write them. Of each good one, the vectors are X and the ids those of `names`, in the order of the ids. */
const MAKE = `
N, D = 300, 12
X = rng.standard_normal((N, D)).astype('f2').astype('f4')
X.tofile('X.f32')
I = rng.integers(-100, 100, (N, D))
I.astype('f4').tofile('I.f32')
names = [f'P{i:05d}' for i in range(N)]
def each(name, put, values=X, ids=names, order=None, **options):
    with h5py.File(name, 'w', **options) as f:
        for i in (order or range(N)): put(f, ids[i], values[i])
def plain(f, id, x): f.create_dataset(id, data=x)

# A dataset for each protein
each('float16.h5', plain, X.astype('f2'))
each('unordered.h5', plain, order=list(rng.permutation(N)))
each('latest.h5', plain, libver='latest')
each('tracked.h5', plain, track_order=True)
each('rows.h5', lambda f, id, x: f.create_dataset(id, data=x[None]))
each('gzip.h5', lambda f, id, x: f.create_dataset(id, data=x, compression='gzip'))
each('compact.h5', lambda f, id, x: [p := h5py.h5p.create(h5py.h5p.DATASET_CREATE), p.set_layout(h5py.h5d.COMPACT),
    h5py.h5d.create(f.id, id.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((D,)), p).write(h5py.h5s.ALL, h5py.h5s.ALL, x)])
each('mixed-storage.h5', lambda f, id, x: f.create_dataset(id, data=x, compression='gzip' if int(id[1:]) % 3 else None))
each('big-endian.h5', plain, X.astype('>f4'))
each('float64.h5', plain, X.astype('f8'))
each('in-group.h5', lambda f, id, x: f.create_dataset(f'run/embeddings/{id}', data=x))
each('group-each.h5', lambda f, id, x: f.create_dataset(f'{id}/embedding', data=x))
each('soft.h5', lambda f, id, x: [f.create_dataset(f'all/{id}', data=x)])
def numbered(f, id, x):
    f.create_dataset(str(int(id[1:])), data=x).attrs['original_id'] = id
each('bio-embeddings.h5', numbered, order=sorted(range(N), key=lambda i: str(i)))
with h5py.File('model.h5', 'w') as f:
    f.attrs['model'] = 'prot_t5_xl'
    for i in range(N): f[names[i]] = X[i]
for t in ('i1', 'i2', 'i4', 'i8'): each(f'each-{t}.h5', plain, I.astype(t))

# Two datasets
def pair(name, vectors='embedding', ids='id', x=X, **more):
    with h5py.File(name, 'w') as f:
        f.create_dataset(vectors, data=x); f.create_dataset(ids, data=names, dtype=text)
        for key, value in more.items(): f.create_dataset(key, data=value)
pair('plural.h5', 'embeddings', 'ids')
pair('nested.h5', 'results/pooled', 'results/accession')
pair('labelled.h5', 'data', 'id', family=np.array(['f'] * N, dtype=object), length=np.arange(N), score=np.ones(7))
pair('transposed.h5', x=X.T)
pair('transposed-float64.h5', 'embeddings', 'ids', x=X.T.astype('f8'))
pair('pair-float64.h5', x=X.astype('f8'))
pair('pair-float64-big.h5', x=X.astype('>f8'))
for t in ('i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8'): pair(f'pair-{t}.h5', x=(np.abs(I) if t[0] == 'u' else I).astype(t))
H = X.astype('f8'); H[7, 3] = 1e39
pair('bad-huge.h5', x=H); pair('bad-huge-transposed.h5', x=H.T); each('bad-huge-each.h5', plain, H)
L = I.astype('i8'); L[7, 3] = 2**24 + 1; L[250, 0] = 2**62 + 2**38 + 1
L.astype('f4').tofile('L.f32')
pair('rounded.h5', x=L); pair('rounded-transposed.h5', x=L.T); each('rounded-each.h5', plain, L)
with h5py.File('square.h5', 'w') as f: f['embedding'] = X[:D]; f.create_dataset('id', data=names[:D], dtype=text)
with h5py.File('square-own.h5', 'w') as f: f['embedding'] = X[:D]; f['embedding'].attrs['model'] = 'kmer'; f.create_dataset('id', data=names[:D], dtype=text)
with h5py.File('transposed-gzip.h5', 'w') as f:
    f.create_dataset('embedding', data=X.T.astype('f2'), compression='gzip', chunks=(5, 70)); f.create_dataset('id', data=names, dtype=text)

# Refused
each('bad-residues.h5', lambda f, id, x: f.create_dataset(id, data=np.outer(np.ones(2 + int(id[1:]) % 5), x)))
each('bad-lengths.h5', lambda f, id, x: f.create_dataset(id, data=x[:5] if id == 'P00007' else x))
each('bad-types.h5', lambda f, id, x: f.create_dataset(id, data=x.astype('f8') if id == 'P00007' else x))
each('bad-bool.h5', plain, X > 0)
each('bad-empty.h5', lambda f, id, x: f.create_dataset(id, data=x[:0]))
each('bad-unwritten.h5', lambda f, id, x: f.create_dataset(id, (D,), 'f4') if id == 'P00009' else plain(f, id, x))
each('bad-unwritten-chunk.h5', lambda f, id, x: f.create_dataset(id, (D,), 'f4', chunks=(4,)) if id == 'P00009' else plain(f, id, x))
each('bad-lzf.h5', lambda f, id, x: f.create_dataset(id, data=x, compression='lzf'))
with h5py.File('bad-mixed.h5', 'w') as f:
    for i in range(N): f[names[i]] = X[i]
    f['note'] = 'made by hand'
with h5py.File('bad-link.h5', 'w', libver='latest') as f:
    f['a'] = X[0]; f['b'] = h5py.ExternalLink('other.h5', '/b')
with h5py.File('bad-nothing.h5', 'w') as f: f.create_group('empty')
with h5py.File('bad-ids-only.h5', 'w') as f: f.create_dataset('names', data=names, dtype=text)
with h5py.File('bad-no-ids.h5', 'w') as f: f['embeddings'] = X
with h5py.File('bad-original-id.h5', 'w') as f:
    f.create_dataset('0', data=X[0]).attrs['original_id'] = 'a'; f['1'] = X[1]
components = np.array([f'c{i}' for i in range(D)], dtype=object)
pair('components.h5', 'embeddings', 'accession', features=components)
pair('bad-component-names.h5', 'embeddings', 'sources', names=components)
pair('bad-rows.h5', 'embeddings', 'names', x=X.T, features=components)
pair('bad-numbers.h5', 'embeddings', 'sequences', id=np.arange(N))
pair('bad-split.h5', 'train', 'names', test=X[:100])
with h5py.File('bad-components.h5', 'w') as f:
    f['embeddings'] = X; f.create_dataset('features', data=names[:D], dtype=text)
with h5py.File('bad-residues-ids.h5', 'w') as f:
    for i in range(3): f[names[i]] = X[:7 - 2 * i]
    f.create_dataset('ids', data=names[:3], dtype=text)
each('bad-shapes.h5', lambda f, id, x: f.create_dataset(id, data=x[None] if id == 'P00007' else x, compression='gzip'))
pair('bad-several.h5', 'mean', 'first', x=X)
with h5py.File('bad-several.h5', 'a') as f:
    f['max'] = X; f.create_dataset('second', data=names, dtype=text)
`;

describe.skipIf(missingPython())('files of vectors from other tools', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const ids = Array.from({ length: 300 }, (_, i) => `P${String(i).padStart(5, '0')}`);
  const floats = async (name: string) => new Float32Array(Uint8Array.from(await readFile(at(name))).buffer);

  beforeAll(async () => {
    folder = await sharedFolder();
    await h5py(folder, MAKE);
  });

  const sorted = (read: Awaited<ReturnType<typeof readShard>>) =>
    read.ids
      .map((id, row) => [id, read.vectors.slice(row * 12, row * 12 + 12)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));

  it.each([
    ...[
      'float16',
      'unordered',
      'latest',
      'tracked',
      'rows',
      'gzip',
      'compact',
      'mixed-storage',
      'big-endian',
      'float64',
    ],
    ...['in-group', 'group-each', 'soft', 'bio-embeddings', 'model', 'plural', 'nested', 'labelled', 'components'],
    ...['transposed', 'transposed-float64', 'transposed-gzip', 'pair-float64', 'pair-float64-big'],
  ])('reads %s as h5py does, in blocks of any size', async (name) => {
    const expected = await floats('X.f32');
    for (const blockBytes of [1, 1000, 1 << 20]) {
      const read = sorted(await readShard(at(`${name}.h5`), blockBytes));
      expect(read.map(([id]) => id)).toEqual(ids);
      for (const [row, [, vector]] of read.entries()) expect(vector).toEqual(expected.slice(row * 12, row * 12 + 12));
    }
  });

  it.each(['each-i1', 'each-i2', 'each-i4', 'each-i8', 'pair-i1', 'pair-i2', 'pair-i4', 'pair-i8'])(
    'converts integers of %s to float32',
    async (name) => {
      const { vectors } = await readShard(at(`${name}.h5`));
      expect(vectors).toEqual(await floats('I.f32'));
    },
  );

  it.each(['u1', 'u2', 'u4', 'u8'])('converts unsigned integers %s', async (type) => {
    const { vectors } = await readShard(at(`pair-${type}.h5`));
    expect(vectors).toEqual((await floats('I.f32')).map(Math.abs));
  });

  /** Reads a file, and returns what the user was told. */
  async function noted(name: string): Promise<{ notes: string; vectors: Float32Array }> {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const { vectors } = await readShard(at(`${name}.h5`), 1000);
      return { notes: write.mock.calls.map(([text]) => `${text}`).join(''), vectors };
    } finally {
      write.mockRestore();
    }
  }

  it.each(['rounded', 'rounded-transposed', 'rounded-each'])(
    'rounds integers as numpy does, and notes the first of a file: %s',
    async (name) => {
      const { notes, vectors } = await noted(name);
      expect(vectors).toEqual(await floats('L.f32'));
      const place = name === 'rounded-each' ? '"P00007"' : 'row 7';
      expect(notes.match(/is stored as/g)).toHaveLength(1);
      expect(notes).toContain(`${at(`${name}.h5`)}: ${place}, component 3: 16777217 is stored as 16777216`);
    },
  );

  it('reads the rows of a square matrix, with a note unless it is of LanceFlow', async () => {
    const { notes, vectors } = await noted('square');
    expect(vectors).toEqual((await floats('X.f32')).subarray(0, 144));
    expect(notes).toMatch(/"embedding" is \[12, 12\]: each of its 12 rows is read as a vector/);
    expect(await noted('square-own')).toEqual({ notes: '', vectors });
  });

  it('keeps the model of the file, and the type of half precision', async () => {
    const shard = await openShard(at('model.h5'));
    expect(shard).toMatchObject({
      rows: 300,
      dimension: 12,
      vectorType: 'float32',
      attributes: { model: 'prot_t5_xl' },
    });
    shard.close();
    const half = await openShard(at('float16.h5'));
    expect(half.vectorType).toBe('float16');
    half.close();
  });

  it('reads the datasets that the user names', async () => {
    const shard = await openShard(at('bad-several.h5'), { embedding: 'max', id: '/second' });
    expect(shard.rows).toBe(300);
    shard.close();
    const one = openShard(at('bad-several.h5'), { embedding: 'none' });
    await expect(one).rejects.toThrow(/--h5-embedding none: no such dataset\. It has "first" \[300\] strings, /);
  });

  it.each([
    ['bad-residues', /"P00000" \[2, 12\] float64 has a vector for each residue.*pool them/],
    ['bad-huge', /row 7, component 3: 1e\+39 is beyond the range of float32/],
    ['bad-huge-transposed', /row 7, component 3: 1e\+39 is beyond the range of float32/],
    ['bad-huge-each', /"P00007", component 3: 1e\+39 is beyond the range of float32/],
    ['bad-lengths', /"P00007" \[5\] float32, but "P00000" \[12\] float32/],
    ['bad-types', /"P00007" \[12\] float64, but "P00000" \[12\] float32/],
    ['bad-shapes', /"P00007" \[1, 12\] float32, but "P00000" \[12\] float32/],
    ['bad-bool', /no dataset "embedding".*"P00000" \[12\] another type/],
    ['bad-empty', /"P00000" has 0 components/],
    ['bad-unwritten', /"P00009" were never written/],
    ['bad-unwritten-chunk', /"P00009" were never written/],
    ['bad-lzf', /"P00000" is compressed with lzf/],
    ['bad-mixed', /"note" \[\] strings is not the vector.*It has 300 like "P00000" \[12\] float32/],
    ['bad-link', /"b" is a link to another file/],
    ['bad-nothing', /no dataset "embedding".*It has no datasets/],
    ['bad-ids-only', /no dataset "embedding".*It has "names" \[300\] strings/],
    ['bad-no-ids', /no dataset "id": strings, one for each vector of "embeddings"/],
    ['bad-original-id', /"1" has no attribute "original_id"/],
    ['bad-numbers', /not clear which.*"id" \[300\] int64.*"sequences" \[300\] strings/],
    ['bad-split', /not clear which.*"test" \[100, 12\]/],
    ['bad-components', /not clear which.*"features" \[12\] strings/],
    ['bad-component-names', /not clear which.*"sources" \[300\] strings/],
    ['bad-rows', /not clear which.*"features" \[12\] strings/],
    ['bad-residues-ids', /not clear which.*"P00000" \[7, 12\]/],
    [
      'bad-several',
      /it is not clear which datasets are the vectors.*It has "first" .*Name those to read: --h5_embedding/,
    ],
  ])('refuses %s', async (name, message) => {
    const read = readShard(at(`${name}.h5`));
    await expect(read).rejects.toThrow(DataError);
    await expect(read).rejects.toThrow(message);
    await expect(read).rejects.toThrow(at(`${name}.h5`));
  });

  it('refuses a file that was cut, or whose index of names is damaged', async () => {
    const whole = await readFile(at('float16.h5'));
    await writeFile(at('cut.h5'), whole.subarray(0, whole.length / 2));
    await expect(readShard(at('cut.h5'))).rejects.toThrow(/truncated/);
    for (const signature of ['SNOD', 'HEAP']) {
      await copyFile(at('float16.h5'), at('broken.h5'));
      const broken = Buffer.from(whole);
      broken.write('XXXX', broken.lastIndexOf(signature), 'latin1');
      await writeFile(at('broken.h5'), broken);
      await expect(readShard(at('broken.h5')), signature).rejects.toThrow(DataError);
    }
  });
});

it('an id is what distinguishes the paths of datasets', () => {
  const ids = (paths: readonly string[]) => columnTexts(idsOfPaths(columnFrom(paths)));
  expect(ids(['P1', 'P2'])).toEqual(['P1', 'P2']);
  expect(ids(['a/b/P1', 'a/b/P2'])).toEqual(['P1', 'P2']);
  expect(ids(['x/P1/embedding', 'x/P2/embedding'])).toEqual(['P1', 'P2']);
  expect(ids(['P1/2-30', 'P1/40-80', 'P2/1-9'])).toEqual(['P1/2-30', 'P1/40-80', 'P2/1-9']);
  expect(ids(['x/P1/2-30', 'x/P2'])).toEqual(['P1/2-30', 'P2']);
  expect(ids(['only/one'])).toEqual(['one']);
  expect(ids(['ä/é', 'ä/ß/é'])).toEqual(['é', 'ß/é']);
  expect(ids(['ab/x', 'a/x'])).toEqual(['ab', 'a']);
});

it('a list of datasets keeps what is added, in flat memory', () => {
  const list = new DatasetList();
  const path = (i: number) => `${'é'.repeat(i % 40)}/${i}`;
  for (let i = 0; i < 5000; i++) expect(list.push(path(i), i / 2)).toBe(true);
  expect(columnTexts(list.paths)).toEqual(Array.from({ length: 5000 }, (_, i) => path(i)));
  expect([list.length, list.path(4999), list.value(4999)]).toEqual([5000, path(4999), 2499.5]);
});

it('refuses a file of more datasets than it can hold', () => {
  const datasets = new ProteinDatasets('x.h5', 2);
  const dataset = {
    ...{ messages: [], shape: [3], maxShape: [3], address: 0, rowsAt: 100 },
    element: { kind: 'number', name: 'float32', isLittleEndian: true },
    storage: { kind: 'contiguous', address: 100 },
  } as unknown as VectorDataset;
  for (const path of ['a', 'b']) datasets.add({ ...dataset, path });
  expect(() => datasets.add({ ...dataset, path: 'c' })).toThrow(
    /^x\.h5: more than 2 datasets of a vector each\. Divide/,
  );
});
