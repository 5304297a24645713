import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError, UsageError } from '../../workers/src/base/errors.ts';
import { importVectors } from '../../workers/src/import/import-file.ts';
import { missingPython, python, sharedFolder } from '../support/run.ts';
import { readShard } from '../support/shards.ts';

/** Files that numpy, pyarrow, pandas and h5py write. Of each good one, the vectors are X, or I, and the ids `names`. */
const MAKE = `
import os, sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq, pandas as pd, h5py
os.chdir(sys.argv[1])
rng = np.random.default_rng(3)
N, D = 5000, 6
X = rng.standard_normal((N, D)).astype('f2').astype('f4'); X.tofile('X.f32')
I = rng.integers(-100, 100, (N, D)); I.astype('f4').tofile('I.f32')
names = [f'P{i}é' for i in range(N)]
def npy(name, x, ids=names, end='\\n'):
    np.save(name + '.npy', x); open(name + '.txt', 'w', newline='').write(end.join(ids) + end)
for t in ('<f2', '<f4', '<f8', '>f4', '>f2', '>f8'): npy('X-' + t.replace('<', '').replace('>', 'big'), X.astype(t))
for t in ('i1', 'i2', 'i4', 'i8'): npy('I-' + t, I.astype(t))
npy('X-fortran', np.asfortranarray(X)); npy('X-transposed', X.T.copy()); npy('X-crlf', X, end='\\r\\n')
npy('bad-three', X.reshape(N, 2, 3)); npy('bad-complex', X.astype('c8')); npy('bad-structured', np.zeros(N, dtype=[('a', 'f4')]))
npy('bad-more', X, names + ['one']); npy('bad-fewer', X, names[:-1]); npy('bad-blank', X, names[:7] + [''] + names[8:])
npy('X-blank-end', X, names + ['', '']); npy('bad-latin', X); open('bad-latin.txt', 'w', encoding='latin-1').write('\\n'.join(names))
npy('bad-none', X[:0], []); np.save('bad-alone.npy', X)
npy('X-square', X[:D]); npy('X-square-fortran', np.asfortranarray(X[:D]))
for t in ('i4', 'i8', '>i8', 'u2'):
    np.save(f'N-{t[-2:] if t[0] != ">" else "big"}.npy', X); np.save(f'N-{t[-2:] if t[0] != ">" else "big"}.ids.npy', np.arange(N).astype(t))
np.save('T-U.npy', X); np.save('T-U.ids.npy', np.array(names)); np.save('T-S.npy', X); np.save('T-S.ids.npy', np.array([n.encode() for n in names]))
np.save('bad-ids-float.npy', X); np.save('bad-ids-float.ids.npy', np.arange(N) / 2); np.save('bad-ids-two.npy', X); np.save('bad-ids-two.ids.npy', np.arange(2 * N).reshape(N, 2))
np.save('bad-ids-few.npy', X); np.save('bad-ids-few.ids.npy', np.arange(N - 1)); np.save('bad-ids-latin.npy', X); np.save('bad-ids-latin.ids.npy', np.array([n.encode('latin-1') for n in names]))
np.save('bad-ids-cut.npy', X); open('bad-ids-cut.ids.npy', 'wb').write(open('N-i8.ids.npy', 'rb').read()[:-9])
np.save('bad-ids-object.npy', X); np.save('bad-ids-object.ids.npy', np.array(names, dtype=object), allow_pickle=True)
H = X.astype('f8'); H[4321, 2] = -1e39; npy('huge', H); npy('huge-fortran', np.asfortranarray(H));
L = I.astype('i8'); L[7, 3] = 2**24 + 1; L[8, 0] = 2**62 + 2**38 + 1; L[9, 1] = -2**63; L[10, 1] = -(2**62 + 2**38 + 1); L.astype('f4').tofile('L.f32'); npy('L-i8', L)
U = np.abs(I).astype('u8'); U[7, 3] = 2**64 - 1; U[8, 0] = 2**63 + 2**39 + 1; U.astype('f4').tofile('U.f32'); npy('U-u8', U)
open('bad-cut.npy', 'wb').write(open('X-f4.npy', 'rb').read()[:-9]); open('bad-cut.txt', 'w').write('\\n'.join(names))
open('bad-header.npy', 'wb').write(open('X-f4.npy', 'rb').read()[:60]); open('bad-header.txt', 'w').write('\\n'.join(names))

fixed = lambda x, t: pa.FixedSizeListArray.from_arrays(pa.array(x.astype(t).ravel()), D)
lists = lambda x, t: pa.array(list(x.astype(t)), type=pa.list_(pa.from_numpy_dtype(t)))
def parquet(name, table, **options): pq.write_table(pa.table(table), name + '.parquet', **options)
for t in ('f2', 'f4', 'f8'):
    parquet('X-fixed-' + t, dict(id=names, embedding=fixed(X, t)), row_group_size=1700)
    parquet('X-list-' + t, dict(embedding=lists(X, t), id=names), compression='zstd')
for t in ('i1', 'i8'): parquet('I-' + t, dict(id=names, embedding=fixed(I, t)), compression='gzip')
parquet('X-others', dict(accession=names, family=['f'] * N, length=list(range(N)), vec=fixed(X, 'f4')))
pd.DataFrame(dict(embedding=list(X)), index=names).to_parquet('X-pandas.parquet')
whole = pa.table(dict(id=names, embedding=fixed(X, 'f4')))
with pq.ParquetWriter('X-empty-first.parquet', whole.schema) as w: w.write_table(whole[:0]); w.write_table(whole)
parquet('small', dict(id=names[:50], embedding=lists(X[:50], 'f4')))
for t in ('int32', 'int64', 'uint64'): parquet('N-' + t, dict(id=pa.array(range(N), getattr(pa, t)()), sequence=names, embedding=fixed(X, 'f4')))
parquet('N-name', dict(embedding=fixed(X, 'f4'), length=[7] * N, protein_id=list(range(N))))
parquet('N-pandas', dict(embedding=fixed(X, 'f4'), __index_level_0__=list(range(N))))
parquet('X-index', dict(embedding=fixed(X, 'f4'), accession=names, __index_level_0__=list(range(N))))
parquet('X-large', dict(id=pa.array(names, pa.large_string()), embedding=pa.array(list(X), type=pa.large_list(pa.float32()))), row_group_size=1300)
parquet('X-large-f8', dict(id=pa.array(names, pa.string_view()), embedding=pa.array(list(X.astype('f8')), type=pa.large_list(pa.float64()))))
parquet('X-dictionary', dict(id=pa.array(names).dictionary_encode(), embedding=fixed(X, 'f4')))
parquet('huge', dict(id=names, embedding=fixed(H, 'f8'))); parquet('L-i8', dict(id=names, embedding=fixed(L, 'i8'))); parquet('U-u8', dict(id=names, embedding=lists(U, 'u8')))
parquet('bad-numbers', dict(id=[float(i) for i in range(N)], sequence=names, embedding=fixed(X, 'f4')))
parquet('bad-large-null', dict(id=names, embedding=pa.array([None if i == 4321 else x for i, x in enumerate(X)], type=pa.large_list(pa.float32()))))
parquet('bad-large-ragged', dict(id=names, embedding=pa.array([x[:5] if i == 4321 else x for i, x in enumerate(X)], type=pa.large_list(pa.float32()))))
parquet('bad-large-residues', dict(id=names, embedding=pa.array([[x] for x in X], type=pa.large_list(pa.large_list(pa.float32())))))
parquet('bad-null-number', dict(id=pa.array([None if i == 4321 else i for i in range(N)], pa.int64()), embedding=fixed(X, 'f4')))
parquet('bad-residues', dict(id=names, embedding=[[list(map(float, x))] for x in X], other=fixed(X, 'f4')))
parquet('bad-no-vectors', dict(id=names)); parquet('bad-no-ids', dict(length=list(range(N)), embedding=fixed(X, 'f4')))
parquet('bad-several', dict(id=names, a=fixed(X, 'f4'), b=fixed(X, 'f4')))
ragged = [list(map(float, x)) for x in X]; ragged[4321] = [1.0]
parquet('bad-ragged', dict(id=names, embedding=ragged)); ragged[4321] = None
parquet('bad-null', dict(id=names, embedding=ragged)); ragged[4321] = [1.0, None, 1, 1, 1, 1]
parquet('bad-null-component', dict(id=names, embedding=ragged))
parquet('bad-null-id', dict(id=[None if i == 4321 else n for i, n in enumerate(names)], embedding=fixed(X, 'f4')))
parquet('bad-empty', dict(id=names[:0], embedding=fixed(X[:0], 'f4')))
open('bad-cut.parquet', 'wb').write(open('X-list-f4.parquet', 'rb').read()[:-500])
open('bad-text.parquet', 'w').write('id,embedding\\n')
with h5py.File('X-named.h5', 'w') as f:
    f['run/mean'] = X; f['run/max'] = X + 1; f['run/a'] = names; f['run/b'] = names[::-1]
`;

describe.skipIf(missingPython())('importing vectors of other tools', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const ids = Array.from({ length: 5000 }, (_, i) => `P${i}é`);
  const context = { progress: () => ({ add() {}, stop() {} }), log() {}, warn() {} };
  const run = (name: string, more: object = {}) =>
    importVectors({ input: at(name), output: at(`${name}.out.h5`), name, named: {}, ...more }, context);

  const numbers = Array.from({ length: 5000 }, (_, i) => `${i}`);
  const floats = async (name: string) => new Float32Array(Uint8Array.from(await readFile(at(name))).buffer);
  /** Imports a file, and returns what the user was told and what the shard has. */
  const noted = async (name: string, more: object = {}) => {
    const notes: string[] = [];
    const request = { input: at(name), output: at(`${name}.out.h5`), name, named: {}, ...more };
    await importVectors(request, { ...context, log: (note: string) => notes.push(note) });
    return { notes, shard: await readShard(request.output) };
  };

  beforeAll(async () => {
    folder = await sharedFolder();
    await python(MAKE, folder);
    await writeFile(at('square.txt'), ids.slice(0, 6).join('\n'));
  });

  it.each([
    ...['f2', 'f4', 'f8', 'bigf4', 'bigf2', 'bigf8', 'fortran', 'transposed', 'crlf', 'blank-end'].map(
      (kind) => `X-${kind}.npy`,
    ),
    ...['i1', 'i2', 'i4', 'i8'].map((kind) => `I-${kind}.npy`),
    ...['fixed-f2', 'fixed-f4', 'fixed-f8', 'list-f2', 'list-f4', 'list-f8', 'others', 'pandas', 'empty-first'].map(
      (kind) => `X-${kind}.parquet`,
    ),
    ...['index', 'large', 'large-f8', 'dictionary'].map((kind) => `X-${kind}.parquet`),
    ...['L-i8.npy', 'L-i8.parquet', 'U-u8.npy', 'U-u8.parquet'],
    ...['I-i1.parquet', 'I-i8.parquet', 'X-named.h5'],
  ])('%s', async (name) => {
    const named = name.endsWith('.h5') ? { embedding: 'run/mean', id: 'run/a' } : {};
    expect(await run(name, { named })).toMatchObject({ rows: 5000 });
    const shard = await readShard(at(`${name}.out.h5`));
    expect(shard.ids).toEqual(ids);
    const expected = await readFile(at(`${name[0]}.f32`));
    expect(Buffer.compare(Buffer.from(shard.vectors.buffer), expected)).toBe(0);
  });

  it.each([
    ['bad-three.npy', /its shape is \(5000, 2, 3\)/],
    ['bad-complex.npy', /its type is "<c8"/],
    ['bad-structured.npy', /its type is "a structure"/],
    ['bad-more.npy', /bad-more\.txt: 5001 ids, but .*bad-more\.npy has 5000 vectors/],
    ['bad-fewer.npy', /bad-fewer\.txt: 4999 ids/],
    ['bad-blank.npy', /bad-blank\.txt: row 7 has no id/],
    ['bad-latin.npy', /bad-latin\.txt: is not UTF-8/],
    ['bad-none.npy', /no vectors in this file/],
    ['bad-alone.npy', /no file of its ids, .*bad-alone\.txt/],
    ['bad-cut.npy', /truncated: it has \d+ of \d+ bytes/],
    ['bad-header.npy', /its header is incomplete/],
    ['bad-no-vectors.parquet', /no column of lists of numbers\. It has "id" Utf8/],
    ['bad-no-ids.parquet', /no column of texts, the ids\. It has "length" Int64/],
    ['bad-numbers.parquet', /the column "id" is Float64, not texts, the ids/],
    ['bad-residues.parquet', /the column "embedding" is List<List<Float64>>, not lists of numbers/],
    ['bad-large-null.parquet', /row 4321: "embedding" is missing/],
    ['bad-large-ragged.parquet', /row 4321: "embedding" has 5 components, not 6/],
    ['bad-large-residues.parquet', /no column of lists of numbers\. It has "id" Utf8, "embedding" List<List<Float32>>/],
    ['bad-null-number.parquet', /row 4321 has no id/],
    ['huge.parquet', /row 4321, component 2: -1e\+39 is beyond the range of float32/],
    ['huge.npy', /row 4321, component 2: -1e\+39 is beyond the range of float32/],
    ['huge-fortran.npy', /row 4321, component 2: -1e\+39 is beyond the range of float32/],
    ['bad-several.parquet', /several columns of lists of numbers.*Rename the one to read: "embedding"/],
    ['bad-ragged.parquet', /row 4321: "embedding" has 1 components, not 6/],
    ['bad-null.parquet', /row 4321: "embedding" is missing/],
    ['bad-null-component.parquet', /row 4321: "embedding" has components that are missing/],
    ['bad-null-id.parquet', /row 4321 has no id/],
    ['bad-empty.parquet', /no vectors in this file/],
    ['bad-cut.parquet', /this Parquet file cannot be read/],
  ])('refuses %s', async (name, message) => {
    const imported = run(name);
    await expect(imported).rejects.toThrow(DataError);
    await expect(imported).rejects.toThrow(message);
    await expect(imported).rejects.toThrow(at(name.replace(/\.npy$/, '')));
  });

  it.each(['N-int32', 'N-int64', 'N-uint64', 'N-name', 'N-pandas'])(
    'reads the decimal text of ids: %s',
    async (name) => {
      const { notes, shard } = await noted(`${name}.parquet`);
      expect(shard.ids).toEqual(numbers);
      expect(notes).toContainEqual(expect.stringMatching(/its ids are u?int\d+; their decimal text is read/));
    },
  );

  it.each(['N-i4', 'N-i8', 'N-big', 'N-u2', 'T-U', 'T-S'])('reads the ids of %s from a .npy file', async (name) => {
    const { notes, shard } = await noted(`${name}.npy`, { ids: at(`${name}.ids.npy`) });
    expect(shard.ids).toEqual(name.startsWith('N') ? numbers : ids);
    expect(notes).toHaveLength(name.startsWith('N') ? 1 : 0);
  });

  it.each([
    ['float', /its type is "<f8"; ids are texts or integers/],
    ['two', /its shape is \(5000, 2\); ids are an array/],
    ['few', /4999 ids, but .* has 5000 vectors/],
    ['latin', /row 0: the id is not UTF-8/],
    ['cut', /truncated: it has \d+ of \d+ bytes/],
    ['object', /its type is "\|O"; ids are texts or integers/],
  ])('refuses ids of a .npy file: %s', async (kind, message) => {
    const imported = run(`bad-ids-${kind}.npy`, { ids: at(`bad-ids-${kind}.ids.npy`) });
    await expect(imported).rejects.toThrow(DataError);
    await expect(imported).rejects.toThrow(message);
  });

  it.each(['L-i8.npy', 'L-i8.parquet'])('notes once that float32 rounds integers: %s', async (name) => {
    const { notes } = await noted(name);
    const rounded = notes.filter((note) => note.includes('is stored as'));
    expect(rounded).toEqual([expect.stringMatching(/row 7, component 3: 16777217 is stored as 16777216, because/)]);
  });

  it.each(['X-square', 'X-square-fortran'])('reads the rows of a square matrix, with a note: %s', async (name) => {
    const { notes, shard } = await noted(`${name}.npy`, { ids: at('square.txt') });
    expect(shard.vectors).toEqual((await floats('X.f32')).subarray(0, 36));
    expect(notes).toEqual([expect.stringMatching(/is \[6, 6\]: each of its 6 rows is read as a vector/)]);
  });

  it('refuses a damaged Parquet file, also where the decoder traps', async () => {
    const whole = await readFile(at('small.parquet'));
    let refused = 0;
    for (let position = 4; position < whole.length - 8; position += 29) {
      const broken = Buffer.from(whole);
      broken[position]! ^= 0xff;
      await writeFile(at('broken.parquet'), broken);
      const error = await run('broken.parquet').then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) continue;
      expect(error, `byte ${position}`).toBeInstanceOf(DataError);
      refused++;
    }
    expect(refused).toBeGreaterThan(9);
  });

  it('does not replace an input', async () => {
    const imported = run('X-named.h5', { output: at('X-named.h5'), named: { embedding: 'run/mean', id: 'run/a' } });
    await expect(imported).rejects.toThrow(/X-named\.h5: is also --output/);
  });

  it('refuses what is of no known kind, and options of another kind', async () => {
    await expect(run('bad-text.parquet')).rejects.toThrow(/of no known kind/);
    await expect(run('X-f4.npy', { named: { id: 'x' } })).rejects.toThrow(UsageError);
    await expect(run('X-others.parquet', { ids: at('X-f4.txt') })).rejects.toThrow(/--ids is for \.npy files/);
    await writeFile(at('nothing.npy'), '');
    await expect(run('nothing.npy')).rejects.toThrow(UsageError);
    await expect(run('none.npy')).rejects.toThrow(/none\.npy: no such file/);
  });
});
