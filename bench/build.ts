/**
 * Building one bucket: (a) the article's Python, (b) the best Python, (c) LanceFlow in its variants, (d) FAISS IVF-PQ; each as
 * a process of its own, alternating. CPU-seconds, wall time, peak memory, bytes on disk, and recall@10 at equal nprobes
 * and refine factor.
 *
 *   npm run bench -- build --rows 200000 --rounds 2 [--methods article,python,faiss,lanceflow,...] [--folder DIR]
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { capture, LANCEFLOW, type Measured, measure, PYTHON, ROOT, say, spread, withFolder } from './support/run.ts';

const NPROBES = '20';
const REFINE = '10';
const QUERIES = 500;
const BUCKET = 'bucket_00001';

const LANCEFLOW_VARIANTS: Record<string, { ingest: string[]; index: string[] }> = {
  lanceflow: { ingest: [], index: [] },
  'lanceflow-float16': { ingest: ['--vector-type', 'float16'], index: [] },
  'lanceflow-unordered': { ingest: ['--order', 'none'], index: [] },
  'lanceflow-pq': { ingest: [], index: ['--index', 'ivf-pq'] },
};

interface Quality {
  recall: number;
  /** Errors of the table's distances, against those of the float32 vectors in double precision. */
  meanDistanceError?: number;
  largestDistanceError?: number;
}

interface Result extends Measured, Quality {
  bytes: number;
  steps?: Record<string, Measured>;
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '200000' },
    dimension: { type: 'string', default: '960' },
    rounds: { type: 'string', default: '2' },
    methods: { type: 'string', default: ['article', 'python', 'faiss', ...Object.keys(LANCEFLOW_VARIANTS)].join(',') },
    folder: { type: 'string' },
  },
});

await withFolder(values.folder, async (folder) => {
  await mkdir(folder, { recursive: true });
  const { rows, dimension } = values;
  const vectors = join(folder, `vectors-${rows}-${dimension}.h5`);
  const queries = join(folder, `queries-${dimension}.h5`);
  const make = (path: string, count: string, seed: string, prefix: string) =>
    existsSync(path)
      ? ''
      : capture(PYTHON, [join(ROOT, 'bench/support/make_vectors.py'), path, count, dimension, seed, prefix]);
  say('making vectors');
  await make(vectors, rows, '1', 'p');
  await make(queries, String(QUERIES), '2', 'q');

  const results: Record<string, Result[]> = {};
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const method of values.methods.split(',')) {
      const work = join(folder, method);
      await rm(work, { recursive: true, force: true });
      await mkdir(work);
      const result = await build(method, vectors, queries, work);
      const { seconds, cpuSeconds, peakMemoryBytes, recall, bytes } = result;
      say(
        `round ${round} ${method}: ${cpuSeconds.toFixed(1)} CPU s, ${seconds.toFixed(1)} s, ` +
          `${(peakMemoryBytes / 1e6).toFixed(0)} MB, ${(bytes / 1e6).toFixed(0)} MB on disk, recall ${recall.toFixed(4)}`,
      );
      results[method] = [...(results[method] ?? []), result];
      await rm(work, { recursive: true, force: true });
    }
  }
  process.stdout.write(`${JSON.stringify(summarize(results), null, 2)}\n`);
});

async function build(method: string, vectors: string, queries: string, work: string): Promise<Result> {
  const script = (name: string) => join(ROOT, 'bench/build', name);
  const variant = LANCEFLOW_VARIANTS[method];
  if (method === 'faiss') {
    const index = join(work, 'index.faiss');
    const cost = await measure(PYTHON, [script('faiss_build.py'), vectors, index]);
    return { ...cost, bytes: (await stat(index)).size, ...(await qualityOf('faiss', index, vectors, queries)) };
  }
  if (!variant) {
    const name = method === 'article' ? 'article.py' : 'best_python.py';
    const cost = await measure(PYTHON, [script(name), vectors, work, BUCKET]);
    return { ...cost, bytes: await liveBytes(work), ...(await qualityOf('lancedb', work, vectors, queries)) };
  }
  const plan = join(work, 'plan.json');
  const bucket = ['--bucket', BUCKET, '--database', work, '--json'];
  const steps = {
    pack: await measure(LANCEFLOW, [
      'pack-buckets',
      '--input',
      vectors,
      '--database',
      work,
      '--output',
      plan,
      '--json',
    ]),
    ingest: await measure(LANCEFLOW, ['ingest-bucket', '--plan', plan, ...bucket, ...variant.ingest]),
    index: await measure(LANCEFLOW, ['index-bucket', ...bucket, ...variant.index]),
  };
  const built = [steps.ingest, steps.index];
  return {
    seconds: built.reduce((sum, step) => sum + step.seconds, 0),
    cpuSeconds: built.reduce((sum, step) => sum + step.cpuSeconds, 0),
    peakMemoryBytes: Math.max(...built.map((step) => step.peakMemoryBytes)),
    output: {},
    steps,
    bytes: await liveBytes(work),
    ...(await qualityOf('lancedb', work, vectors, queries)),
  };
}

async function qualityOf(kind: 'lancedb' | 'faiss', path: string, vectors: string, queries: string): Promise<Quality> {
  const script = join(ROOT, 'bench/build/recall.py');
  const text = await capture(PYTHON, [script, kind, path, BUCKET, vectors, queries, NPROBES, REFINE]);
  return JSON.parse(text) as Quality;
}

async function liveBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}

function summarize(results: Record<string, Result[]>) {
  const methods = Object.fromEntries(
    Object.entries(results).map(([method, runs]) => [
      method,
      {
        cpuSeconds: spread(runs.map((run) => run.cpuSeconds)),
        seconds: spread(runs.map((run) => run.seconds)),
        peakMemoryBytes: spread(runs.map((run) => run.peakMemoryBytes)),
        bytes: spread(runs.map((run) => run.bytes)),
        recallAt10: spread(runs.map((run) => run.recall)),
        ...errorsOf(runs),
        ...(runs[0]!.steps ? { stepCpuSeconds: stepMedians(runs) } : {}),
        ...(runs[0]!.steps
          ? { ingestPeakMemoryBytes: spread(runs.map((run) => run.steps!.ingest!.peakMemoryBytes)) }
          : {}),
      },
    ]),
  );
  const ratios: Record<string, unknown> = {};
  for (const peer of Object.keys(results)) {
    for (const ours of Object.keys(results)) {
      if (peer.startsWith('lanceflow') || !ours.startsWith('lanceflow')) continue;
      // Round by round, so that a slower machine slows all methods.
      ratios[`${peer} / ${ours}, CPU`] = spread(
        results[peer]!.map((run, i) => run.cpuSeconds / results[ours]![i]!.cpuSeconds),
      );
    }
  }
  return {
    rows: Number(values.rows),
    dimension: Number(values.dimension),
    nprobes: Number(NPROBES),
    refineFactor: Number(REFINE),
    methods,
    ratios,
  };
}

function stepMedians(runs: Result[]): Record<string, number> {
  const names = Object.keys(runs[0]!.steps!);
  return Object.fromEntries(
    names.map((name) => [name, spread(runs.map((run) => run.steps![name]!.cpuSeconds)).median]),
  );
}

function errorsOf(runs: Result[]) {
  if (runs.some((run) => run.meanDistanceError === undefined)) return {};
  return {
    meanDistanceError: spread(runs.map((run) => run.meanDistanceError!)),
    largestDistanceError: spread(runs.map((run) => run.largestDistanceError!)),
  };
}
