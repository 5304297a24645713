import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../workers/src/base/errors.ts';
import { missingPython, sharedFolder } from '../support/run.ts';
import { h5py, readShard } from '../support/shards.ts';

/** Files of every kind of storage, with the values that h5py reads from them, or with faults for which they must be refused. */
const MAKE = `
from h5py import h5d, h5p, h5s, h5t
N = 300
X = rng.standard_normal((N, 12)).astype('f4')
X.tofile('X.f32')
names = [f'p{i}' for i in range(N)]
def open_with(name, **options):
    f = h5py.File(name, 'w', **options)
    f.create_dataset('id', data=names, dtype=text)
    return f

# Types of vectors
def typed(name, t, values=None):
    with open_with(name) as f:
        d = h5d.create(f.id, b'embedding', t, h5s.create_simple((N, 12)))
        d.write(h5s.ALL, h5s.ALL, np.ascontiguousarray(X if values is None else values))
def small(bits, exponent, digits, bias, base=h5t.IEEE_F32LE):
    t = base.copy()
    t.set_fields(bits - 1, digits, exponent, 0, digits); t.set_precision(bits); t.set_size(bits // 8); t.set_ebias(bias)
    return t
typed('bad-bfloat16.h5', small(16, 8, 7, 127))
typed('bad-bfloat16-big.h5', small(16, 8, 7, 127, h5t.IEEE_F32BE))
typed('bad-float8.h5', small(8, 4, 3, 7))
def wide(exponent_at, digits, bias):
    t = h5t.IEEE_F32LE.copy(); t.set_fields(exponent_at + 8, exponent_at, 8, 0, digits); t.set_ebias(bias)
    return t
typed('bad-tf32.h5', wide(10, 10, 127))
typed('bad-bias.h5', wide(23, 23, 126))
typed('bad-float24.h5', small(24, 7, 16, 63))
shard('bad-x87.h5', X.astype(np.longdouble))
with open_with('committed.h5') as f:
    f['type'] = np.dtype('f4'); f.create_dataset('embedding', data=X, dtype=f['type'])

# Indexes of chunks
for name, options in dict(
    single=dict(chunks=(N, 12)), fixed=dict(chunks=(7, 12)), paged=dict(chunks=(1, 2)), extensible=dict(chunks=(1, 3), maxshape=(None, 12)),
    tree=dict(chunks=(2, 3), maxshape=(None, None)), across=dict(chunks=(7, 1), maxshape=(N, None)),
    roomy=dict(chunks=(7, 5), maxshape=(400, 20))).items():
    for packed in (None, 'gzip'):
        for libver in ('earliest', 'latest'):
            for hole in (False, True):
                with open_with(f'{"hole" if hole else "whole"}-{libver}-{name}-{packed}.h5', libver=libver) as f:
                    d = f.create_dataset('embedding', (N, 12), 'f4', compression=packed, **options)
                    if hole: d[:140] = X[:140]; d[170:] = X[170:]
                    else: d[:] = X
with open_with('implicit.h5', libver='latest') as f:
    p = h5p.create(h5p.DATASET_CREATE); p.set_chunk((7, 5)); p.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    h5d.create(f.id, b'embedding', h5t.IEEE_F32LE, h5s.create_simple((N, 12)), p).write(h5s.ALL, h5s.ALL, X)
with open_with('bad-contiguous.h5') as f: f.create_dataset('embedding', (N, 12), 'f4', fillvalue=0.25)
with open_with('bad-resized.h5') as f: f.create_dataset('embedding', data=X[:200], maxshape=(None, 12), chunks=(50, 12)).resize((N, 12))
with h5py.File('bad-id-chunk.h5', 'w') as f:
    f['embedding'] = X
    f.create_dataset('id', data=names[:200], dtype='S4', maxshape=(None,), chunks=(50,)).resize((N,))
with open_with('compact.h5') as f:
    p = h5p.create(h5p.DATASET_CREATE); p.set_layout(h5d.COMPACT)
    h5d.create(f.id, b'embedding', h5t.IEEE_F32LE, h5s.create_simple((N, 12)), p).write(h5s.ALL, h5s.ALL, X)
holes = [name[:-3] for name in os.listdir('.') if name.startswith('hole-')]

# Datasets of other files
shard('source.h5', X)
with h5py.File('half.h5', 'w') as f: f['x'] = X[:150]
with h5py.File('unwritten.h5', 'w') as f: f.create_dataset('x', (N, 12), 'f4', chunks=(50, 12))[:250] = X[:250]
with h5py.File('parts.h5', 'w') as f:
    f['a'] = X[:100]; f['b'] = X[100:, :5].astype('f8'); f['c'] = X[100:, 5:]
def virtual(name, mappings, **options):
    with open_with(name, **options) as f:
        layout = h5py.VirtualLayout((N, 12), 'f4')
        for at, file, dataset, shape, of in mappings: layout[at] = h5py.VirtualSource(file, dataset, shape)[of]
        f.create_virtual_dataset('embedding', layout, fillvalue=0.25)
all = np.s_[:, :]
for libver in ('earliest', 'latest'):
    virtual(f'virtual-{libver}.h5', [(np.s_[:100], 'parts.h5', 'a', (100, 12), all), (np.s_[100:, :5], 'parts.h5', 'b', (200, 5), all),
        (np.s_[100:, 5:], 'parts.h5', 'c', (200, 7), all)], libver=libver)
with open_with('virtual-own.h5') as f:
    f['real'] = X; layout = h5py.VirtualLayout((N, 12), 'f4'); layout[:] = h5py.VirtualSource('.', 'real', (N, 12)); f.create_virtual_dataset('embedding', layout)
virtual('bad-virtual-gone.h5', [(np.s_[:100], 'parts.h5', 'a', (100, 12), all), (np.s_[100:], 'gone.h5', 'x', (200, 12), all)])
virtual('bad-virtual-dataset.h5', [(np.s_[:], 'parts.h5', 'x', (N, 12), all)])
virtual('bad-virtual-gap.h5', [(np.s_[:100], 'source.h5', 'embedding', (N, 12), np.s_[:100]), (np.s_[120:], 'source.h5', 'embedding', (N, 12), np.s_[120:])])
virtual('bad-virtual-column.h5', [(np.s_[:, :11], 'source.h5', 'embedding', (N, 12), np.s_[:, :11])])
virtual('bad-virtual-short.h5', [(np.s_[:], 'half.h5', 'x', (N, 12), all)])
virtual('bad-virtual-unwritten.h5', [(np.s_[:], 'unwritten.h5', 'x', (N, 12), all)])
virtual('bad-virtual-stripes.h5', [(np.s_[::2], 'source.h5', 'embedding', (N, 12), np.s_[::2]), (np.s_[1::2], 'source.h5', 'embedding', (N, 12), np.s_[1::2])])
X.tofile('rows.bin'); X[:10].tofile('short.bin')
def external(name, file):
    with open_with(name) as f: f.create_dataset('embedding', (N, 12), 'f4', external=[(file, 0, X.nbytes)])
external('external-storage.h5', os.path.abspath('rows.bin'))
X.tofile('rows.bin')
external('bad-external-gone.h5', os.path.abspath('gone.bin'))
if os.path.exists('gone.bin'): os.remove('gone.bin')
external('bad-external-short.h5', os.path.abspath('short.bin'))
with h5py.File('link-chain.h5', 'w') as f:
    f['files'] = h5py.ExternalLink('source.h5', '/'); f.create_group('a/b'); f['a/b/up'] = h5py.SoftLink('/files/embedding')
    f['embedding'] = h5py.SoftLink('a/b/up'); f['id'] = h5py.SoftLink('files/id')
with h5py.File('bad-link-circle.h5', 'w') as f: f['embedding'] = h5py.SoftLink('/other'); f['other'] = h5py.SoftLink('/embedding'); f['id'] = names
with h5py.File('bad-link-gone.h5', 'w') as f: f['embedding'] = h5py.ExternalLink('gone.h5', 'embedding'); f['id'] = names

# Files that are open still
f = h5py.File('bad-open.h5', 'w', libver='latest'); f['embedding'] = X; f['id'] = np.array(names, 'S4'); f.flush()
os.system('cp bad-open.h5 bad-unclosed.h5'); f.close()
f = h5py.File('swmr.h5', 'w', libver='latest'); f['embedding'] = X; f['id'] = np.array(names, 'S4'); f.swmr_mode = True; f.flush()
os.system('cp swmr.h5 bad-swmr-unclosed.h5'); f.close()

# Ids
for name, at in dict(first=0, middle=137, last=N - 1).items():
    shard(f'bad-empty-{name}.h5', X, [('' if i == at else f'p{i}') for i in range(N)])
shard('bad-empty-fixed.h5', X, np.array([('' if i == 7 else f'p{i}') for i in range(N)], 'S4'), id_type=None)
with h5py.File('bad-unwritten-id.h5', 'w') as f:
    f['embedding'] = X; f.create_dataset('id', (N,), text)[:299] = names[:299]
shard('bad-long-id.h5', X, ['p' * (2**20 + 1) if i == 5 else f'p{i}' for i in range(N)])
shard('long-ids.h5', X, [f'{i}' * 120_000 for i in range(N)])
print(json.dumps(holes))
`;

const skip = missingPython();

describe.skipIf(skip)('openShard, of every kind of HDF5', () => {
  let folder = '';
  let holes: string[] = [];
  let expected = Buffer.alloc(0);
  const at = (name: string) => join(folder, name);
  const refused = async (name: string, ...matches: RegExp[]) => {
    const error: unknown = await readShard(at(`${name}.h5`)).catch((thrown: unknown) => thrown);
    expect(error, name).toBeInstanceOf(DataError);
    for (const match of [new RegExp(`${name}\\.h5: `), ...matches]) expect((error as Error).message).toMatch(match);
  };
  const isRead = async (name: string) => {
    const { vectors } = await readShard(at(`${name}.h5`), 1000);
    expect(Buffer.compare(Buffer.from(vectors.buffer), expected), name).toBe(0);
  };

  beforeAll(async () => {
    folder = await sharedFolder();
    holes = await h5py<string[]>(folder, MAKE);
    expected = await readFile(at('X.f32'));
  });

  it.each([
    ['bad-bfloat16', /"embedding" is bfloat16; it must be float32 or float16.*astype/],
    ['bad-bfloat16-big', /bfloat16/],
    ['bad-float8', /float8 \(e4m3\)/],
    ['bad-tf32', /a float of 4 bytes with 8 bits of exponent and 10 of mantissa/],
    ['bad-bias', /a float of 4 bytes/],
    ['bad-float24', /a float of 3 bytes with 7 bits of exponent and 16 of mantissa/],
    ['bad-x87', /a float of 16 bytes with 15 bits of exponent/],
  ])('refuses a float by its type: %s', refused);

  it('reads every index of chunks, and sees in each that rows were never written', async () => {
    expect(holes).toHaveLength(28);
    for (const hole of holes) {
      await isRead(hole.replace('hole', 'whole'));
      if (hole.includes('single')) await isReadAs(hole);
      else await refused(hole, /rows \d+ to \d+ of "embedding" were never written.*fill value.*resize/);
    }
    for (const name of ['implicit', 'compact', 'committed']) await isRead(name);
  });

  /** A partly written chunk has the fill value in the rest; nothing in the file shows this. */
  const isReadAs = async (name: string) => expect((await readShard(at(`${name}.h5`))).ids).toHaveLength(300);

  it.each([
    ['bad-contiguous', /rows 0 to 299 of "embedding" were never written/],
    ['bad-resized', /rows 200 to 299 of "embedding" were never written.*resize\(200, axis=0\)/],
    ['bad-id-chunk', /rows 200 to 299 of "id" were never written/],
  ])('refuses rows that were never written: %s', refused);

  it.each([
    ['bad-virtual-gone', /rows 100 to 299 of "embedding" come from "x" in "gone\.h5": not found/],
    ['bad-virtual-dataset', /rows 0 to 299 of "embedding" come from "x" in "parts\.h5": not found/],
    ['bad-virtual-gap', /rows 100 to 119 of "embedding" come from no file/],
    ['bad-virtual-column', /rows 0 to 299 of "embedding" come from no file/],
    ['bad-virtual-short', /"half\.h5", which has other rows now/],
    ['bad-virtual-stripes', /virtual dataset whose parts are not ranges of rows/],
    ['bad-external-gone', /"embedding" is stored in ".*gone\.bin", which does not exist/],
    ['bad-external-short', /"embedding" is stored in ".*short\.bin", which is too short/],
    ['bad-link-circle', /embedding" is a link to itself/],
    ['bad-link-gone', /"embedding" is a link to "gone\.h5", which does not exist/],
  ])('refuses rows that are stored elsewhere and missing: %s', refused);

  it('names the source that lacks rows', async () => {
    const error = await readShard(at('bad-virtual-unwritten.h5')).catch((thrown: unknown) => thrown);
    expect((error as Error).message).toMatch(/unwritten\.h5: rows 250 to 299 of "x" were never written/);
  });

  it('reads virtual datasets, external storage and chains of links whose files exist, also through a link', async () => {
    const names = ['virtual-earliest', 'virtual-latest', 'virtual-own', 'external-storage', 'link-chain'];
    for (const name of names) await isRead(name);
    const other = join(folder, 'other');
    await mkdir(other);
    for (const name of names) {
      await symlink(at(`${name}.h5`), join(other, `${name}-linked.h5`));
      const { vectors } = await readShard(join(other, `${name}-linked.h5`));
      expect(Buffer.compare(Buffer.from(vectors.buffer), expected), name).toBe(0);
    }
  });

  it('explains a file that was not closed, and what to do', async () => {
    for (const name of ['bad-unclosed', 'bad-swmr-unclosed'])
      await refused(name, /a program is still writing this HDF5 file, or exited without closing it.*h5clear -s/);
    for (const name of ['bad-open', 'swmr']) await isRead(name);
  });

  it.each([
    ['bad-empty-first', /row 0 has no id/],
    ['bad-empty-middle', /row 137 has no id/],
    ['bad-empty-last', /row 299 has no id/],
    ['bad-empty-fixed', /row 7 has no id/],
    ['bad-unwritten-id', /row 299 has no id: it is empty, or was never written/],
    ['bad-long-id', /the id of row 5 has 1048577 bytes; at most 1048576 are allowed/],
  ])('refuses ids that are none: %s', refused);

  it('reads long ids in blocks of fewer rows', async () => {
    const { ids, blocks, vectors } = await readShard(at('long-ids.h5'), 1 << 20);
    expect(blocks).toBeGreaterThan(1);
    expect(ids).toEqual(Array.from({ length: 300 }, (_, i) => `${i}`.repeat(120_000)));
    expect(Buffer.compare(Buffer.from(vectors.buffer), expected)).toBe(0);
  });
});
