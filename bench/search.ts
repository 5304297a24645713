/**
 * Searching one bucket: LanceDB's query (one by one, in flight, multi-vector), FAISS (IVFFlat, IVFPQ + refine, Flat, all in
 * memory) and LanceFlow's strategies (each a process that reads the table from the page cache), on the same vectors. Measures
 * queries a second against recall, peak memory, and the share of the machine's rate of matrix products.
 *
 *   npm run bench -- search [--queries 2000,20000] [--k 10,100] [--methods exact,scan,ann,auto] [--rounds 3] --folder DIR --save
 *
 * Large k, for which the index is slow: --queries 100 --k 1000,10000,50000 --methods exact,scan --nprobes 40.
 *
 * It can be run in pieces: --folder keeps data and indexes, and --save adds the measurements of a piece to the saved ones and
 * rewrites docs/search-benchmark.md.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPeer } from './search/peer.ts';
import { summarize } from './search/result.ts';
import { type Bench, BUCKET, groundTruthOf, METHODS, type Measured } from './search/systems.ts';
import { capture, LANCEFLOW, PYTHON, ROOT, say, withFolder } from './support/run.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '500000' },
    dimension: { type: 'string', default: '960' },
    queries: { type: 'string', default: '2000' },
    k: { type: 'string', default: '10' },
    nprobes: { type: 'string', default: '5,10,20,40' },
    methods: { type: 'string', default: Object.keys(METHODS).join() },
    rounds: { type: 'string', default: '1' },
    index: { type: 'string', default: 'ivf-rq' },
    folder: { type: 'string' },
  },
});
const numbers = (text: string) => text.split(',').map(Number);
const methods = values.methods.split(',');
const unknown = methods.filter((name) => !Object.hasOwn(METHODS, name));
if (unknown.length > 0) throw new Error(`--methods ${unknown.join()}: known are ${Object.keys(METHODS).join()}`);

await withFolder(values.folder, async (parent) => {
  const folder = join(parent, `search-${values.rows}-${values.dimension}`);
  await mkdir(folder, { recursive: true });
  const [counts, ks, nprobes] = [numbers(values.queries), numbers(values.k), numbers(values.nprobes)];
  const data = {
    folder,
    vectors: join(folder, 'vectors.h5'),
    database: join(folder, `database-${values.index}`),
    queriesPath: (count: number) => join(folder, `queries-${count}.h5`),
    ...{ counts, ks, nprobes },
  };
  say('making vectors');
  await makeVectors(data.vectors, Number(values.rows), '1', 'p');
  for (const count of counts) await makeVectors(data.queriesPath(count), count, '2', 'q');
  await build(data.vectors, data.database, folder);
  const most = data.queriesPath(Math.max(...counts));
  const judge = await startPeer('ground-truth', folder, data.vectors, most);
  const gemm = await startPeer('gemm', folder, data.vectors, most);
  try {
    say('finding the ground truth');
    const { of, most: k } = groundTruthOf(data);
    await judge.ask({ queries: of, k });
    const { rows, flops } = await measureRounds({ ...data, judge }, async () => (await gemm.ask({})).flopsPerSecond!);
    const shape = { rows: Number(values.rows), dimension: Number(values.dimension), index: values.index };
    process.stdout.write(`${JSON.stringify(summarize(shape, rows, flops), null, 2)}\n`);
  } finally {
    judge.stop();
    gemm.stop();
  }
});

/** Runs all methods, round by round, so that other load on the machine affects all of them. */
async function measureRounds(bench: Bench, gemm: () => Promise<number>) {
  const rows: Measured[] = [];
  const flops: number[] = [];
  const record = (row: Measured) => {
    rows.push(row);
    say(
      `${row.system.padEnd(24)} ${String(row.queries).padStart(6)} queries, k ${row.k}, nprobes ${row.nprobes}: ` +
        `${row.queriesPerSecond.toFixed(0)} q/s, recall ${row.recall.toFixed(4)}${row.mode ? ` (${row.mode})` : ''}`,
    );
  };
  for (let round = 0; round < Number(values.rounds); round++) {
    flops.push(await gemm());
    for (const name of methods) await METHODS[name]!(bench, record);
  }
  return { rows, flops };
}

async function makeVectors(path: string, count: number, seed: string, prefix: string): Promise<void> {
  if (existsSync(path)) return;
  const script = join(ROOT, 'bench/support/make_vectors.py');
  await capture(PYTHON, [script, `${path}.tmp`, `${count}`, values.dimension, seed, prefix]);
  await rename(`${path}.tmp`, path);
}

async function build(vectors: string, database: string, folder: string): Promise<void> {
  if (existsSync(join(database, '_catalog', `${BUCKET}.json`))) return;
  say('building the bucket');
  const plan = join(folder, 'plan.json');
  await capture(LANCEFLOW, ['pack-buckets', '--input', vectors, '--database', database, '--output', plan]);
  await capture(LANCEFLOW, ['ingest-bucket', '--plan', plan, '--bucket', BUCKET, '--database', database]);
  await capture(LANCEFLOW, ['index-bucket', '--bucket', BUCKET, '--database', database, '--index', values.index]);
}
