import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnFrom, columnSlice } from '../../workers/src/base/bytes/utf8-column.ts';
import { openShard } from '../../workers/src/shard/shard-reader.ts';
import { createShard } from '../../workers/src/shard/shard-writer.ts';
import { missingPython, temporaryFolder } from '../support/run.ts';
import { h5py, randomRows, readShard, sliceRows, writeShard } from '../support/shards.ts';

const READ = `
with h5py.File('shard.h5') as f:
    e, i = f['embedding'], f['id']
    print(json.dumps({'shape': e.shape, 'dtype': e.dtype.str, 'maxshape': e.maxshape, 'ids': i.asstr()[:].tolist(),
      'string': h5py.check_string_dtype(i.dtype)._asdict(), 'keys': sorted(f.keys()),
      'attributes': {k: v if isinstance(v, str) else v.item() for k, v in e.attrs.items()}}))
    e[:].tofile('back.f32')`;

const ODD = ['.', ' ', 'a"b', "'; rm -rf x", 'a,b', 'a\nb', '漢字', '😀', '$(touch x)', 'x'.repeat(10_000), '\uffff'];

describe('createShard', () => {
  it.skipIf(missingPython())('writes what h5py reads: vectors, ids, attributes', async () => {
    const folder = await temporaryFolder();
    const rows = { ...randomRows(1, ODD.length * 30, 24), ids: Array.from({ length: 30 }, () => ODD).flat() };
    const shard = await createShard(join(folder, 'shard.h5'), 24);
    for (const [start, end] of [
      [0, 1],
      [1, 1],
      [1, 200],
      [200, 330],
    ] as const) {
      const part = sliceRows(rows, start, end);
      shard.append(part.vectors, columnSlice(columnFrom(rows.ids), start, end));
    }
    expect(shard.rows).toBe(330);
    shard.finish({ model: 'kmer', long: 2 ** 40, half: 0.5, unicode: 'é😀', empty: '' });
    const read = await h5py(folder, READ);
    expect(read).toEqual({
      shape: [330, 24],
      dtype: '<f4',
      maxshape: [null, 24],
      ids: rows.ids,
      string: { encoding: 'utf-8', length: null },
      keys: ['embedding', 'id'],
      attributes: { model: 'kmer', long: 2 ** 40, half: 0.5, unicode: 'é😀', empty: '' },
    });
    expect(await readShard(join(folder, 'shard.h5'))).toMatchObject({ ids: rows.ids, vectors: rows.vectors });
  });

  it.skipIf(missingPython())('writes a shard without rows', async () => {
    const folder = await temporaryFolder();
    await writeShard(join(folder, 'shard.h5'), { dimension: 5, ids: [], vectors: new Float32Array(0) });
    expect(await h5py(folder, READ)).toMatchObject({ shape: [0, 5], ids: [], attributes: {} });
  });

  it.skipIf(missingPython())('writes float16 that h5py reads, rounded as numpy does', async () => {
    const folder = await temporaryFolder();
    // Subnormal numbers, ties and the largest of all are among them.
    const odd = [
      6e-8,
      3e-8,
      5.96e-8,
      6.1e-5,
      0.1,
      1 / 3,
      65504,
      65519,
      -65519,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      2049,
      -0,
    ];
    for (const dimension of [2, 3, 960]) {
      const rows = randomRows(dimension, 700, dimension);
      for (const [i, value] of odd.entries()) rows.vectors[(i * 53) % rows.vectors.length] = value;
      const shard = await createShard(join(folder, 'shard.h5'), dimension, 'float16');
      for (let at = 0; at < 700; at += 233)
        shard.append(
          sliceRows(rows, at, at + 233).vectors,
          columnSlice(columnFrom(rows.ids), at, Math.min(700, at + 233)),
        );
      shard.finish({ model: 'é', length: 2 ** 40 });
      await writeFile(join(folder, 'written.f32'), new Uint8Array(rows.vectors.buffer));
      const read = await h5py<Record<string, unknown>>(
        folder,
        `
with h5py.File('shard.h5') as f:
    e = f['embedding']
    written = np.fromfile('written.f32', 'f4').reshape(e.shape)
    print(json.dumps({'dtype': e.dtype.str, 'shape': e.shape, 'maxshape': e.maxshape, 'chunks': e.chunks,
      'bits': bool((e[:].view('u2') == written.astype('f2').view('u2')).all()), 'ids': f['id'].asstr()[:].tolist(),
      'attributes': {k: v if isinstance(v, str) else v.item() for k, v in e.attrs.items()}}))`,
      );
      expect(read).toEqual({
        dtype: '<f2',
        shape: [700, dimension],
        maxshape: [null, dimension],
        chunks: [256, dimension],
        bits: true,
        ids: rows.ids,
        attributes: { model: 'é', length: 2 ** 40 },
      });
      const rounded = Float32Array.from(rows.vectors, Math.f16round);
      expect(await readShard(join(folder, 'shard.h5'))).toMatchObject({ ids: rows.ids, vectors: rounded });
    }
  });

  it('writes a float16 shard without rows', async () => {
    const path = join(await temporaryFolder(), 'empty.h5');
    (await createShard(path, 5, 'float16')).finish({});
    const shard = await openShard(path);
    expect(shard).toMatchObject({ rows: 0, dimension: 5, vectorType: 'float16' });
    shard.close();
  });

  it('refuses values that float16 cannot represent, and names the row', async () => {
    const shard = await createShard(join(await temporaryFolder(), 'large.h5'), 2, 'float16');
    shard.append(Float32Array.of(1, 2), columnFrom(['fine']));
    const append = (a: number, b: number) => () => shard.append(Float32Array.of(1, 1, a, b), columnFrom(['x', 'y']));
    expect(append(1, 65_520)).toThrow('row 2 (id "y") has 65520 at component 1, which is infinite in float16');
    expect(append(1e-8, -1e-8)).toThrow('row 2 (id "y") is all zero in float16');
    await shard.abandon();
  });

  it('preserves every row, whatever the blocks', async () => {
    const folder = await temporaryFolder();
    const blocks = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 5 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(blocks, fc.integer({ min: 1, max: 20 }), async (sizes, dimension) => {
        const rows = randomRows(
          run,
          sizes.reduce((sum, size) => sum + size, 0),
          dimension,
          'é',
        );
        const path = join(folder, `${run++}.h5`);
        const shard = await createShard(path, dimension);
        let at = 0;
        for (const size of sizes) {
          shard.append(sliceRows(rows, at, at + size).vectors, columnFrom(rows.ids.slice(at, at + size)));
          at += size;
        }
        shard.finish({});
        expect(await readShard(path, 3000)).toMatchObject({ ids: rows.ids, vectors: rows.vectors });
      }),
      { numRuns: 12 },
    );
  });

  it('streams: a file many times larger than a block', async () => {
    const path = join(await temporaryFolder(), 'large.h5');
    const block = randomRows(5, 4096, 256);
    const shard = await createShard(path, 256);
    for (let i = 0; i < 10; i++) shard.append(block.vectors, columnFrom(block.ids.map((id) => `${i}-${id}`)));
    shard.finish({});
    const { ids, vectors, blocks } = await readShard(path);
    expect(blocks).toBeGreaterThan(30);
    expect(ids.length).toBe(40_960);
    expect(ids[40_959]).toBe('9-p4095');
    expect(
      Buffer.compare(
        Buffer.from(vectors.buffer, vectors.byteLength - 1024),
        Buffer.from(block.vectors.buffer, block.vectors.byteLength - 1024),
      ),
    ).toBe(0);
  });

  it('refuses an id with a NUL, at which HDF5 would truncate it', async () => {
    const shard = await createShard(join(await temporaryFolder(), 'nul.h5'), 1);
    expect(() => shard.append(Float32Array.of(1, 2), columnFrom(['fine', 'a\0b']))).toThrow(/row 1 .*NUL/);
    await shard.abandon();
  });

  it('deletes an abandoned file', async () => {
    const folder = await temporaryFolder();
    const shard = await createShard(join(folder, 'abandoned.h5'), 3);
    shard.append(new Float32Array(3), columnFrom(['a']));
    expect((await stat(join(folder, 'abandoned.h5'))).isFile()).toBe(true);
    await shard.abandon();
    expect(await readdir(folder)).toEqual([]);
  });

  it('names a file that cannot be created', async () => {
    const path = join(await temporaryFolder(), 'nowhere', 'shard.h5');
    await expect(createShard(path, 3)).rejects.toThrow(`${path}: cannot create this file`);
  });
});
