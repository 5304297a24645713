import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { columnFrom, columnLength, columnTexts, concatenateColumns } from '../../workers/src/base/bytes/utf8-column.ts';
import { seededRandom } from '../../workers/src/base/random.ts';
import { readBlocks, rowsPerBlock, toFloat32 } from '../../workers/src/shard/shard-blocks.ts';
import { openShard } from '../../workers/src/shard/shard-reader.ts';
import { createShard } from '../../workers/src/shard/shard-writer.ts';
import { python } from './run.ts';

/** The vectors of a shard and their ids. */
export interface Rows {
  dimension: number;
  ids: string[];
  /** [rows, dimension] */
  vectors: Float32Array;
}

/** Returns normally distributed vectors from a seed; ids `<prefix>0`, `<prefix>1`, ... */
export function randomRows(seed: number, rows: number, dimension: number, prefix = 'p'): Rows {
  const random = seededRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return {
    dimension,
    ids: Array.from({ length: rows }, (_, row) => `${prefix}${row}`),
    vectors: Float32Array.from({ length: rows * dimension }, normal),
  };
}

/** Returns rows [start, end), as a view. */
export function sliceRows({ dimension, ids, vectors }: Rows, start: number, end: number): Rows {
  return {
    dimension,
    ids: ids.slice(start, end),
    vectors: vectors.subarray(start * dimension, Math.min(end, ids.length) * dimension),
  };
}

/** Divides rows into shards with the given row counts: `s0.h5`, `s1.h5`, ... in a folder. @returns their paths */
export function writeParts(
  folder: string,
  rows: Rows,
  sizes: readonly number[],
  attributes: Record<string, string | number> = {},
): Promise<string[]> {
  let start = 0;
  return Promise.all(
    sizes.map((size, i) => {
      const part = sliceRows(rows, start, start + size);
      start += size;
      return writeShard(join(folder, `s${i}.h5`), part, attributes);
    }),
  );
}

/** Writes a shard with LanceFlow's own writer. @returns its path */
export async function writeShard(
  path: string,
  { dimension, ids, vectors }: Rows,
  attributes: Record<string, string | number> = {},
): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const shard = await createShard(path, dimension);
  shard.append(vectors, columnFrom(ids));
  shard.finish(attributes);
  return path;
}

/** Reads a whole shard as the commands do. */
export async function readShard(path: string, blockBytes = 1 << 20): Promise<Rows & { blocks: number }> {
  const shard = await openShard(path);
  try {
    const vectors = new Float32Array(shard.rows * shard.dimension);
    const ids = [];
    let at = 0;
    for await (const block of readBlocks(shard, { blockRows: rowsPerBlock(shard, blockBytes) })) {
      vectors.set(toFloat32(shard, block), at);
      at += block.rows * shard.dimension;
      ids.push(block.ids);
    }
    const column = concatenateColumns(ids);
    if (columnLength(column) !== shard.rows) throw new Error('ids are missing');
    return { dimension: shard.dimension, ids: columnTexts(column), vectors, blocks: ids.length };
  } finally {
    shard.close();
  }
}

const PRELUDE = `
import h5py, json, sys
import numpy as np
rng = np.random.default_rng(7)
text = h5py.string_dtype()
def shard(name, embedding, ids=None, id_type=text, file={}, id_options={}, **options):
    with h5py.File(name, 'w', **file) as f:
        if embedding is not None: f.create_dataset('embedding', data=embedding, **options)
        ids = [f'p{i}' for i in range(len(embedding))] if ids is None else ids
        if ids is not False: f.create_dataset('id', data=ids, dtype=id_type, **id_options)
`;

/** Writes shards with h5py: Python code that runs in `folder`, with `shard(name, embedding, ids, ...)` at hand. */
export async function h5py<T = unknown>(folder: string, code: string): Promise<T> {
  return python<T>(`${PRELUDE}\nimport os\nos.chdir(sys.argv[1])\n${code}`, folder);
}
