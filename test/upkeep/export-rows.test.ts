import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import { expect, it } from 'vitest';
import { exportRows } from '../../workers/src/upkeep/export-rows.ts';
import { missingPython, python, temporaryFolder } from '../support/run.ts';

const ROWS = 400;
const COLUMNS = 5;
const MOST_OPEN = 3;

/** Rows with each combination of nulls in five columns, also of one of floating-point numbers. */
const MAKE = `
import sys, lancedb, numpy as np, pyarrow as pa
rows = range(${ROWS})
vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(${ROWS} * 4, dtype='f4')), 4)
value = lambda i, c: None if i * 7 >> c & 1 else (f't{i}é' if c % 2 else i * 10 + c)
columns = {f'c{c}': pa.array([value(i, c) for i in rows], pa.string() if c % 2 else pa.int64()) for c in range(${COLUMNS})}
score = pa.array([None if i % 3 == 0 else i / 3 for i in rows], pa.float64())
table = pa.table({'embedding': vectors, 'id': [f'p{i}' for i in rows], **columns, 'score': score})
lancedb.connect(sys.argv[1]).create_table('t', table)`;

/** Reads all rows of shards with h5py: first component, and the columns that are there. */
const READ = `
import sys, json, h5py, math
found = {}
for path in sys.argv[1:]:
    with h5py.File(path) as f:
        names = [name for name in f if name not in ('embedding', 'id')]
        of = {name: (f[name].asstr()[:] if f[name].dtype.kind == 'O' else f[name][:]).tolist() for name in names}
        for row, id in enumerate(f['id'].asstr()[:]):
            found[id] = {'first': float(f['embedding'][row, 0]), **{n: of[n][row] for n in names if of[n][row] == of[n][row]}}
print(json.dumps(found))`;

it.skipIf(missingPython())('writes rows of any nulls once, into few shards at a time', async () => {
  const folder = await temporaryFolder();
  await python(`${MAKE}\nprint('null')`, join(folder, 'db'));
  const table = await (await connect(join(folder, 'db'))).openTable('t');
  const entry = { bucket: 'bucket_00001', dimension: 4, vectorType: 'float32', model: {} } as const;
  const opened: Array<Promise<number>> = [];
  let added = 0;
  const add = (rows: number) => {
    added += rows;
    opened.push(openShards(folder));
  };
  const sources = await exportRows(table, entry, folder, { add }, MOST_OPEN);

  expect(sources.reduce((sum, { rows }) => sum + rows, 0)).toBe(ROWS);
  expect(added).toBe(ROWS);
  expect(Math.max(...(await Promise.all(opened)))).toBeLessThanOrEqual(MOST_OPEN);
  expect(sources.length).toBe(2 ** COLUMNS);
  const found = await python<Record<string, Record<string, unknown>>>(READ, ...sources.map(({ path }) => path));
  const expected = Object.fromEntries(
    Array.from({ length: ROWS }, (_, i) => {
      const cells = Array.from({ length: COLUMNS }, (_, c) => [`c${c}`, c % 2 ? `t${i}é` : i * 10 + c]);
      const present = cells.filter((_, c) => ((i * 7) >> c) % 2 === 0);
      return [`p${i}`, { first: i * 4, ...Object.fromEntries(present), ...(i % 3 === 0 ? {} : { score: i / 3 }) }];
    }),
  );
  expect(found).toEqual(expected);
});

/** Counts the exported shards that this process has open. */
async function openShards(folder: string): Promise<number> {
  const files = await readdir('/proc/self/fd');
  const paths = await Promise.all(files.map((file) => readlink(`/proc/self/fd/${file}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(join(folder, 'rows-of-'))).length;
}
