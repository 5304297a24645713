import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as h5wasm from 'h5wasm/node';
import { PYTHON } from '../oracle/python.ts';
import type { Vectors } from '../oracle/vectors.ts';
import { someRows, writeRows } from './rows.ts';

/** Few rows, so that most bytes of a file describe its layout. */
export const SHARD_ROWS: Vectors = someRows(5, 40, 8, 'shard_row_');

const MODEL = { model: 'm', model_hash: 'h1' };

const MAKE = `
import h5py, numpy as np, sys, os
os.chdir(sys.argv[1])
X = np.fromfile('rows.f32', '<f4').reshape(-1, 8)
ids = [f'shard_row_{i}' for i in range(len(X))]
text = h5py.string_dtype()
def shard(name, embedding, id_options=None, file={}, **options):
    with h5py.File(name, 'w', **file) as f:
        f.create_dataset('embedding', data=embedding, **options)
        f['embedding'].attrs['model'] = 'm'
        f['embedding'].attrs['model_hash'] = np.bytes_('h1')
        f.create_dataset('id', data=ids, dtype=text, **(id_options or {}))
shard('h5py-plain.h5', X)
shard('h5py-latest.h5', X, file=dict(libver='latest'), chunks=(7, 8), maxshape=(None, 8))
shard('h5py-fletcher.h5', X, compression='gzip', shuffle=True, fletcher32=True, chunks=(11, 8))
shard('h5py-float16.h5', X.astype('f2'))
shard('h5py-chunked-ids.h5', X, id_options=dict(chunks=(11,), compression='gzip'))
with h5py.File('h5py-fixed-ids.h5', 'w') as f:
    f['embedding'] = X
    f['embedding'].attrs['pooling'] = 'mean'
    f['id'] = np.array([i.encode() for i in ids])
os.remove('rows.f32')
`;

/** Writes valid shards of the same rows in many layouts. @returns their paths; fewer without Python */
export async function makeShards(folder: string): Promise<string[]> {
  await h5wasm.ready;
  const paths = ['own.h5', 'h5wasm-plain.h5', 'h5wasm-gzip.h5', 'h5wasm-fixed-ids.h5'].map((name) =>
    join(folder, name),
  );
  await writeRows(paths[0]!, SHARD_ROWS, { ...MODEL, max_length: 512 });
  writeWithLibrary(paths[1]!, {}, 'S');
  writeWithLibrary(paths[2]!, { chunks: [9, 8], compression: 4 }, 'S');
  writeWithLibrary(paths[3]!, {}, 'S16');
  if (PYTHON === undefined) return paths;
  await writeFile(join(folder, 'rows.f32'), new Uint8Array(SHARD_ROWS.vectors.buffer));
  await promisify(execFile)(PYTHON, ['-c', MAKE, folder]);
  const made = ['plain', 'latest', 'fletcher', 'float16', 'chunked-ids', 'fixed-ids'];
  return [...paths, ...made.map((name) => join(folder, `h5py-${name}.h5`))];
}

function writeWithLibrary(path: string, options: object, idType: string): void {
  const file = new h5wasm.File(path, 'w');
  const { ids, vectors, dimension } = SHARD_ROWS;
  file.create_dataset({ name: 'embedding', data: vectors, shape: [ids.length, dimension], dtype: '<f', ...options });
  file.create_dataset({ name: 'id', data: [...ids], shape: [ids.length], dtype: idType });
  const embedding = file.get('embedding') as h5wasm.Dataset;
  for (const [name, value] of Object.entries(MODEL)) embedding.create_attribute(name, value);
  file.close();
}
