import { copyFile, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { columnTexts } from '../../workers/src/base/bytes/utf8-column.ts';
import { DataError } from '../../workers/src/base/errors.ts';
import { seededRandom } from '../../workers/src/base/random.ts';
import { readRanges, toFloat32 } from '../../workers/src/shard/shard-blocks.ts';
import { openShard } from '../../workers/src/shard/shard-reader.ts';
import { COMPONENT_BYTES } from '../../workers/src/vectors/vector-type.ts';
import { missingPython, sharedFolder } from '../support/run.ts';
import { h5py, readShard } from '../support/shards.ts';

const MAKE = `
X = rng.standard_normal((300, 12)).astype('f4')
X.tofile('X.f32')
shard('contiguous.h5', X)
shard('chunked.h5', X, chunks=(7, 12))
shard('chunked-by-column.h5', X, chunks=(64, 5))
shard('tiny-chunks.h5', X, chunks=(1, 1))
shard('gzip.h5', X, compression='gzip', chunks=(50, 12))
shard('gzip-shuffle-fletcher.h5', X, compression='gzip', shuffle=True, fletcher32=True)
shard('big-endian.h5', X.astype('>f4'))
shard('latest.h5', X, file=dict(libver='latest'))
shard('latest-chunked.h5', X, file=dict(libver='latest'), chunks=(7, 12), maxshape=(None, 12))
shard('v108.h5', X, file=dict(libver=('v108', 'v108')), chunks=(7, 12))
shard('userblock.h5', X, file=dict(userblock_size=512))
shard('paged.h5', X, file=dict(fs_strategy='page', fs_page_size=4096))
shard('ids-chunked.h5', X, id_options=dict(chunks=(11,), compression='gzip'))
shard('ids-fixed.h5', X, np.array([f'p{i}'.encode() for i in range(300)]), id_type=None)
shard('ids-fixed-full.h5', X, np.array([f'{i:06}'.encode() for i in range(300)]), id_type=None)
shard('ids-fixed-utf8.h5', X, np.array([f'é{i}'.encode() for i in range(300)], dtype=h5py.string_dtype('utf-8', 12)), id_type=None)
def padded(name, pad, width, make):
    with h5py.File(name, 'w') as f:
        f['embedding'] = X
        t = h5py.h5t.C_S1.copy(); t.set_size(width); t.set_strpad(pad)
        d = h5py.h5d.create(f.id, b'id', t, h5py.h5s.create_simple((300,)))
        d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([make(i) for i in range(300)], dtype=f'S{width}'), mtype=t)
padded('ids-space.h5', h5py.h5t.STR_SPACEPAD, 9, lambda i: f'p {i}'.ljust(9).encode())
padded('ids-terminated.h5', h5py.h5t.STR_NULLTERM, 9, lambda i: f'p{i}'.encode() + b'\\0x')
shard('ids-inner-nul.h5', X, np.array([b'p\\0%d' % i for i in range(300)]), id_type=None)
odd = ['.', ' ', '"', "'; DROP TABLE x; --", 'a,b', 'a\\nb', 'a\\tb', '漢字', '😀', '$(touch x)', '../x', 'x' * 10_000]
shard('ids-odd.h5', X, (odd * 25))
Y = X.astype('f2'); Y.astype('f4').tofile('Y.f32')
shard('float16.h5', Y)
shard('float16-gzip.h5', Y, compression='gzip', shuffle=True)
shard('float16-big-endian.h5', Y.astype('>f2'))
with h5py.File('fortran.h5', 'w') as f:
    f.create_dataset('embedding', data=np.asfortranarray(X)); f.create_dataset('id', data=[f'p{i}' for i in range(300)], dtype=text)
with h5py.File('soft-link.h5', 'w') as f:
    f['real'] = X; f['embedding'] = h5py.SoftLink('/real'); f.create_dataset('id', data=[f'p{i}' for i in range(300)], dtype=text)
with h5py.File('external-link.h5', 'w') as f:
    f['embedding'] = h5py.ExternalLink('contiguous.h5', 'embedding'); f['id'] = h5py.ExternalLink('contiguous.h5', 'id')
layout = h5py.VirtualLayout((300, 12), 'f4'); layout[:] = h5py.VirtualSource('contiguous.h5', 'embedding', (300, 12))
with h5py.File('virtual.h5', 'w') as f:
    f.create_virtual_dataset('embedding', layout); f.create_dataset('id', data=[f'p{i}' for i in range(300)], dtype=text)
with h5py.File('resized.h5', 'w') as f:
    f.create_dataset('embedding', data=np.concatenate([X, X]), maxshape=(None, 12), chunks=(16, 12)).resize((300, 12))
    f.create_dataset('id', data=[f'p{i}' for i in range(300)], dtype=text)
with h5py.File('others.h5', 'w') as f:
    f.create_group('more/stuff'); f['scalar'] = 1; f['embedding'] = X; f['sequence'] = np.arange(300)
    f.create_dataset('id', data=[f'p{i}' for i in range(300)], dtype=text)
with h5py.File('attributes.h5', 'w') as f:
    d = f.create_dataset('embedding', data=X); f.create_dataset('id', data=[f'p{i}' for i in range(300)], dtype=text)
    d.attrs['model'] = 'amplify'; d.attrs['fixed'] = np.bytes_(b'abc'); d.attrs['int'] = 7; d.attrs['long'] = np.int64(2**40)
    d.attrs['float'] = np.float64(0.5); d.attrs['small'] = np.float32(0.25); d.attrs['list'] = [1, 2]; d.attrs['none'] = h5py.Empty('f4')
    d.attrs['unicode'] = 'é😀'
Z = np.repeat(np.arange(4096, dtype='f4')[:, None], 1024, axis=1)
shard('one-chunk.h5', Z, [f'p{i}' for i in range(4096)], compression='gzip', chunks=(4096, 1024))
shard('empty.h5', np.zeros((0, 12), 'f4'), [])
shard('empty-chunked.h5', np.zeros((0, 12), 'f4'), [], chunks=(8, 12), maxshape=(None, 12))
shard('one.h5', np.ones((1, 1), 'f4'), ['only'])

shard('bad-no-embedding.h5', None, ['a'])
shard('bad-no-id.h5', X, False)
shard('bad-lengths.h5', X, ['a'] * 299)
shard('bad-compound.h5', np.zeros((300, 2), dtype=[('x', 'f4')]))
shard('bad-lzf.h5', X, compression='lzf')
shard('bad-lzf-ids.h5', X, id_options=dict(compression='lzf'))
shard('bad-rank.h5', X.ravel(), ['a'] * 3600)
shard('bad-rank3.h5', X.reshape(300, 3, 4), ['a'] * 300)
shard('bad-scalar.h5', None, False)
with h5py.File('bad-scalar.h5', 'w') as f: f['embedding'] = 1.0; f['id'] = 'a'
shard('bad-no-components.h5', np.zeros((3, 0), 'f4'), ['a'] * 3)
shard('bad-id-numbers.h5', X, np.arange(300), id_type='i8')
shard('bad-id-rank.h5', X, np.array([[b'a']] * 300), id_type=None)
shard('bad-latin1.h5', X, np.array([b'fine'] * 299 + [b'caf\\xe9']), id_type=None)
shard('bad-split-letter.h5', X, np.array([b'x'] * 298 + [b'a\\xc3', b'\\xa9']), id_type=None)
shard('bad-latin1-variable.h5', X, [b'caf\\xe9'] * 300)
with h5py.File('bad-group.h5', 'w') as f: f.create_group('embedding'); f['id'] = ['a']
with h5py.File('bad-dangling.h5', 'w') as f: f['embedding'] = h5py.SoftLink('/nowhere'); f['id'] = ['a']
with h5py.File('bad-external.h5', 'w') as f: f['embedding'] = h5py.ExternalLink('nowhere.h5', 'x'); f['id'] = ['a']
`;

const skip = missingPython();

describe.skipIf(skip)('openShard', () => {
  let folder = '';
  const at = (name: string) => join(folder, name);
  const floats = async (name: string) => new Float32Array((await readFile(at(name))).buffer.slice(0));
  const plainIds = Array.from({ length: 300 }, (_, i) => `p${i}`);

  beforeAll(async () => {
    folder = await sharedFolder();
    await h5py(folder, MAKE);
  });

  it.each([
    'contiguous',
    'chunked',
    'chunked-by-column',
    'tiny-chunks',
    'gzip',
    'gzip-shuffle-fletcher',
    'big-endian',
    'latest',
    'latest-chunked',
    'v108',
    'userblock',
    'paged',
    'ids-chunked',
    'ids-fixed',
    'fortran',
    'soft-link',
    'external-link',
    'virtual',
    'resized',
    'others',
    'attributes',
  ])('reads %s, in blocks of any size', async (name) => {
    const expected = await floats('X.f32');
    for (const blockBytes of [1, 1000, 1 << 20]) {
      const { ids, vectors, dimension } = await readShard(at(`${name}.h5`), blockBytes);
      expect(dimension).toBe(12);
      expect(ids).toEqual(plainIds);
      expect(Buffer.compare(Buffer.from(vectors.buffer), Buffer.from(expected.buffer))).toBe(0);
    }
  });

  it.each(['contiguous', 'chunked-by-column', 'gzip', 'big-endian', 'float16-gzip'])(
    'reads row ranges of %s, as many at once as fit',
    async (name) => {
      const { vectors } = await readShard(at(`${name}.h5`));
      const ranges = [
        [0, 1],
        [299, 1],
        [40, 70],
        [45, 3],
        [110, 190],
      ].map(([start = 0, count = 0]) => ({ start, count }));
      const expected = ranges.flatMap(({ start, count }) => [...vectors.subarray(start * 12, (start + count) * 12)]);
      const shard = await openShard(at(`${name}.h5`));
      for (const [blockBytes, blocks] of [
        [1, 5],
        [75 * 12 * COMPONENT_BYTES[shard.vectorType], 2],
        [1 << 20, 1],
      ] as const) {
        const read: Float32Array[] = [];
        for await (const block of readRanges(shard, ranges, blockBytes)) read.push(toFloat32(shard, block).slice());
        expect(read).toHaveLength(blocks);
        expect(read.flatMap((part) => [...part])).toEqual(expected);
      }
      for await (const _ of readRanges(shard, [], 1)) throw new Error('a block of no ranges');
      shard.close();
    },
  );

  it('reads ranges of one large chunk, whose decompression takes longer than the thread may spend without reading', async () => {
    vi.stubEnv('LANCEFLOW_STALL_SECONDS', '0.05');
    const shard = await openShard(at('one-chunk.h5'));
    const ranges = Array.from({ length: 40 }, (_, i) => ({ start: i * 100, count: 1 }));
    const read: number[] = [];
    for await (const block of readRanges(shard, ranges, 1 << 20)) read.push(...toFloat32(shard, block));
    expect(read.filter((_, i) => i % 1024 === 0)).toEqual(ranges.map(({ start }) => start));
    shard.close();
    vi.unstubAllEnvs();
  });

  it.each(['float16', 'float16-gzip', 'float16-big-endian'])('reads %s', async (name) => {
    const shard = await openShard(at(`${name}.h5`));
    expect(shard.vectorType).toBe('float16');
    shard.close();
    const { vectors } = await readShard(at(`${name}.h5`), 500);
    expect(vectors).toEqual(await floats('Y.f32'));
  });

  it('reads ids of every kind of string', async () => {
    const ids = async (name: string) => (await readShard(at(`${name}.h5`), 1000)).ids;
    expect(await ids('ids-fixed-full')).toEqual(plainIds.map((_, i) => String(i).padStart(6, '0')));
    expect(await ids('ids-fixed-utf8')).toEqual(plainIds.map((_, i) => `é${i}`));
    expect(await ids('ids-space')).toEqual(plainIds.map((_, i) => `p ${i}`));
    expect(await ids('ids-terminated')).toEqual(plainIds);
    expect(await ids('ids-inner-nul')).toEqual(plainIds.map((_, i) => `p\0${i}`));
    const odd = ['.', ' ', '"', "'; DROP TABLE x; --", 'a,b', 'a\nb', 'a\tb', '漢字', '😀', '$(touch x)', '../x'];
    odd.push('x'.repeat(10_000));
    expect(await ids('ids-odd')).toEqual(Array.from({ length: 25 }, () => odd).flat());
  });

  it('reads attributes that are texts or numbers, and ignores others', async () => {
    const shard = await openShard(at('attributes.h5'));
    shard.close();
    expect(shard.attributes).toMatchObject({
      model: 'amplify',
      fixed: 'abc',
      int: 7,
      long: 2 ** 40,
      float: 0.5,
      small: 0.25,
      unicode: 'é😀',
    });
    for (const value of Object.values(shard.attributes)) expect(['string', 'number']).toContain(typeof value);
  });

  it('reads shards of no and of one row', async () => {
    expect(await readShard(at('empty.h5'))).toMatchObject({ dimension: 12, ids: [] });
    expect(await readShard(at('empty-chunked.h5'))).toMatchObject({ dimension: 12, ids: [] });
    expect(await readShard(at('one.h5'))).toMatchObject({ ids: ['only'], vectors: Float32Array.of(1) });
  });

  it.each([
    ['bad-no-embedding', /no dataset "embedding"/],
    ['bad-no-id', /no dataset "id"/],
    ['bad-lengths', /"embedding" has 300 rows and "id" has 299/],
    ['bad-compound', /must be float32 or float16/],
    ['bad-lzf', /"embedding" is compressed with lzf.*h5repack/],
    ['bad-lzf-ids', /"id" is compressed with lzf.*h5repack/],
    ['bad-rank', /"embedding" must have 2 dimensions, not \[3600\]/],
    ['bad-rank3', /"embedding" must have 2 dimensions, not \[300, 3, 4\]/],
    ['bad-scalar', /"embedding" must have 2 dimensions/],
    ['bad-no-components', /without components/],
    ['bad-id-numbers', /"id" must be strings/],
    ['bad-id-rank', /"id" must have 1 dimension,/],
    ['bad-latin1', /row 299 .*not UTF-8/],
    ['bad-split-letter', /row 298 .*not UTF-8/],
    ['bad-latin1-variable', /row 0 .*not UTF-8/],
    ['bad-group', /"embedding" is not a dataset/],
    ['bad-dangling', /"embedding"/],
    ['bad-external', /"embedding"/],
  ])('refuses %s', async (name, message) => {
    const read = readShard(at(`${name}.h5`));
    await expect(read).rejects.toThrow(DataError);
    await expect(read).rejects.toThrow(message);
    await expect(read).rejects.toThrow(at(`${name}.h5`));
  });

  it('refuses a file that is not HDF5', async () => {
    await expect(openShard(at('nowhere.h5'))).rejects.toThrow(/nowhere\.h5: no such file/);
    await expect(openShard(folder)).rejects.toThrow(/not a file/);
    await expect(openShard(join(at('contiguous.h5'), 'x.h5'))).rejects.toThrow(DataError);
    for (const [name, bytes] of [
      ['nothing.h5', ''],
      ['text.h5', '>p1\nMKV\n'],
      ['signature.h5', '\x89HDF\r\n\x1a\n'],
    ] as const) {
      await writeFile(at(name), bytes, 'latin1');
      await expect(openShard(at(name))).rejects.toThrow(DataError);
    }
  });

  it.each(['contiguous', 'gzip', 'latest', 'userblock'])('reports that %s is truncated', async (name) => {
    const whole = await readFile(at(`${name}.h5`));
    for (const share of [0.1, 0.5, 0.9, 1 - 1 / whole.length]) {
      await writeFile(at('cut.h5'), whole.subarray(0, Math.floor(whole.length * share)));
      await expect(readShard(at('cut.h5'))).rejects.toThrow(/cut\.h5: (truncated|not an HDF5 file)/);
    }
  });

  it('reports a damaged compressed chunk', async () => {
    const bytes = await readFile(at('gzip.h5'));
    // zlib streams begin with 78 5e or so; the chunks are most of the file.
    const chunk = bytes.indexOf(Buffer.from([0x78, 0x5e]));
    expect(chunk).toBeGreaterThan(0);
    bytes.fill(0x55, chunk + 20, chunk + 60);
    await writeFile(at('damaged.h5'), bytes);
    await expect(readShard(at('damaged.h5'))).rejects.toThrow(/rows \d+ to \d+ of "embedding" cannot be read.*damaged/);
  });

  it.each(['contiguous', 'gzip', 'latest-chunked', 'ids-chunked'])(
    'answers bytes flipped anywhere in %s with rows or a DataError',
    async (name) => {
      const whole = await readFile(at(`${name}.h5`));
      const random = seededRandom(3);
      for (let run = 0; run < 150; run++) {
        const bytes = Buffer.from(whole);
        // Metadata is in the first and last kilobytes; most flips go there.
        for (let flip = 0; flip < 4; flip++) {
          const place = random() < 0.7 ? random() * Math.min(3000, bytes.length) : random() * bytes.length;
          bytes[Math.floor(place)]! ^= 1 + Math.floor(random() * 255);
        }
        await writeFile(at('flipped.h5'), bytes);
        const outcome = await readShard(at('flipped.h5')).catch((error: unknown) => error);
        if (outcome instanceof Error && !(outcome instanceof DataError)) throw outcome;
      }
    },
  );

  it('reads beyond 4 GiB', async () => {
    // Only the last rows are written: the file has holes and takes next to no disk.
    await h5py(
      folder,
      `
with h5py.File('large.h5', 'w') as f:
    d = f.create_dataset('embedding', (1_200_000, 960), 'f4')
    d[-3:] = np.arange(3 * 960, dtype='f4').reshape(3, 960)
    f.create_dataset('id', data=np.arange(1_200_000).astype('S7'))`,
    );
    const shard = await openShard(at('large.h5'));
    expect(shard.fileBytes).toBeGreaterThan(4 * 2 ** 30);
    const { vectors } = await shard.readRows(1_199_997, 3, new ArrayBuffer(3 * 960 * 4));
    expect(new Float32Array(vectors)).toEqual(Float32Array.from({ length: 3 * 960 }, (_, i) => i));
    expect(columnTexts(await shard.readIds(1_199_998, 2))).toEqual(['1199998', '1199999']);
    shard.close();
  });

  it('reports a file that changed while it was read', async () => {
    await copyFile(at('contiguous.h5'), at('changing.h5'));
    const shard = await openShard(at('changing.h5'));
    const { readBlocks } = await import('../../workers/src/shard/shard-blocks.ts');
    const read = async () => {
      for await (const { start } of readBlocks(shard, { blockRows: 100 })) {
        if (start !== 100) continue;
        const file = await open(at('changing.h5'), 'a');
        await file.write('more');
        await file.close();
      }
    };
    await expect(read()).rejects.toThrow(/changing\.h5: the file changed while it was read/);
    shard.close();
    await truncate(at('changing.h5'));
  });
});
