/**
 * Searching one bucket: LanceDB's query (one by one, in flight, multi-vector), FAISS (IVFFlat, IVFPQ + refine, Flat, all in
 * memory) and LanceFlow's three ways (each a process of its own that reads the table), alternating, on the same vectors.
 * Queries a second against recall.
 *
 *   npm run bench -- search --rows 500000 --queries 2000,20000 --k 10 --rounds 3 [--folder DIR]
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { columnFrom } from '../workers/src/core/utf8-column.ts';
import { createHits } from '../workers/src/io/parquet/hits-writer.ts';
import { type LanceLoop, queryLance } from './search/lancedb.ts';
import { capture, LANCEFLOW, measure, PYTHON, ROOT, say, spread, withFolder } from './support/run.ts';

const BUCKET = 'bucket_00001';
/** LanceDB answers few hundred queries a second: its rate is taken from this many. */
const LANCEDB_QUERIES = 500;

interface Row {
  system: string;
  queries: number;
  k: number;
  nprobes: number;
  queriesPerSecond: number;
  recall: number;
  peakMemoryBytes?: number;
  /** LanceFlow: the whole process, start to end. */
  processQueriesPerSecond?: number;
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '500000' },
    dimension: { type: 'string', default: '960' },
    queries: { type: 'string', default: '2000,20000' },
    k: { type: 'string', default: '10' },
    nprobes: { type: 'string', default: '5,10,20,40' },
    rounds: { type: 'string', default: '3' },
    index: { type: 'string', default: 'ivf-rq' },
    folder: { type: 'string' },
  },
});
const counts = values.queries.split(',').map(Number);
const probes = values.nprobes.split(',').map(Number);
const ks = values.k.split(',').map(Number);

await withFolder(values.folder, async (folder) => {
  await mkdir(folder, { recursive: true });
  const vectors = join(folder, `vectors-${values.rows}-${values.dimension}.h5`);
  const queriesOf = (count: number) => join(folder, `queries-${count}-${values.dimension}.h5`);
  const make = async (path: string, count: string, seed: string, prefix: string) => {
    if (!existsSync(path))
      await capture(PYTHON, [join(ROOT, 'bench/support/make_vectors.py'), path, count, values.dimension, seed, prefix]);
  };
  say('making vectors');
  await make(vectors, values.rows, '1', 'p');
  for (const count of counts) await make(queriesOf(count), String(count), '2', 'q');
  const database = join(folder, 'database');
  await build(vectors, database, folder);
  const most = queriesOf(Math.max(...counts));
  say('building FAISS indexes');
  const peer = await startPeer(vectors, most);
  const rows: Row[] = [];
  const gemm: number[] = [];
  const record = (row: Row) => {
    rows.push(row);
    say(
      `${row.system.padEnd(24)} ${String(row.queries).padStart(6)} queries, k ${row.k}, nprobes ${row.nprobes}: ` +
        `${row.queriesPerSecond.toFixed(0)} q/s, recall ${row.recall.toFixed(4)}`,
    );
  };
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      gemm.push((await peer.ask({ way: 'gemm' })).flopsPerSecond!);
      for (const k of ks) {
        for (const queries of [...counts].sort((a, b) => b - a)) {
          const exact = { queries, k, nprobes: 0 };
          const flat = await peer.ask({ way: 'flat', ...exact });
          record({ system: 'FAISS Flat', ...exact, queriesPerSecond: queries / flat.seconds!, recall: 1 });
          record(await lanceflow('exact', database, queriesOf(queries), exact, folder, peer));
          for (const nprobes of probes) {
            const setting = { queries, k, nprobes };
            for (const [system, way] of [
              ['FAISS IVFFlat', 'ivfflat'],
              ['FAISS IVFPQ + refine', 'ivfpq'],
            ] as const) {
              const { seconds, recall } = await peer.ask({ way, queries, k, nprobe: nprobes });
              record({ system, ...setting, queriesPerSecond: queries / seconds!, recall: recall! });
            }
            record(await lanceflow('scan', database, queriesOf(queries), setting, folder, peer));
            if (queries === Math.min(...counts))
              for (const loop of ['one by one', 'in flight', 'multi-vector'] as const)
                record(
                  await lance(
                    loop,
                    database,
                    most,
                    { ...setting, queries: Math.min(queries, LANCEDB_QUERIES) },
                    folder,
                    peer,
                  ),
                );
          }
        }
      }
    }
  } finally {
    peer.stop();
  }
  process.stdout.write(`${JSON.stringify(summarize(rows, gemm), null, 2)}\n`);
});

async function build(vectors: string, database: string, folder: string): Promise<void> {
  if (existsSync(join(database, '_catalog', `${BUCKET}.json`))) return;
  say('building the bucket');
  const plan = join(folder, 'plan.json');
  await capture(LANCEFLOW, ['pack-buckets', '--input', vectors, '--database', database, '--output', plan]);
  await capture(LANCEFLOW, ['ingest-bucket', '--plan', plan, '--bucket', BUCKET, '--database', database]);
  await capture(LANCEFLOW, ['index-bucket', '--bucket', BUCKET, '--database', database, '--index', values.index]);
}

interface Peer {
  ask(request: Record<string, unknown>): Promise<{ seconds?: number; recall?: number; flopsPerSecond?: number }>;
  stop(): void;
}

async function startPeer(vectors: string, queries: string): Promise<Peer> {
  const child = spawn(PYTHON, [join(ROOT, 'bench/search/peer.py'), vectors, queries], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the FAISS process ended');
    return JSON.parse(value);
  };
  await read();
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return read();
    },
    stop: () => void child.stdin.end(),
  };
}

async function lanceflow(
  way: 'scan' | 'exact',
  database: string,
  queriesPath: string,
  { queries, k, nprobes }: { queries: number; k: number; nprobes: number },
  folder: string,
  peer: Peer,
): Promise<Row> {
  const hits = join(folder, 'hits.parquet');
  const settings = ['--k', String(k), '--search', way, ...(nprobes > 0 ? ['--nprobes', String(nprobes)] : [])];
  const where = ['--bucket', BUCKET, '--database', database, '--queries', queriesPath, '--output', hits, '--json'];
  const { seconds, peakMemoryBytes, output } = await measure(LANCEFLOW, ['search-bucket', ...where, ...settings]);
  const { recall } = await peer.ask({ way: 'recall', hits, k, wanted: queries });
  await rm(hits, { force: true });
  return {
    system: `LanceFlow ${way}`,
    queries,
    k,
    nprobes,
    queriesPerSecond: queries / (output.searchSeconds as number),
    processQueriesPerSecond: queries / seconds,
    recall: recall!,
    peakMemoryBytes,
  };
}

async function lance(
  loop: LanceLoop,
  database: string,
  queriesPath: string,
  { queries, k, nprobes }: { queries: number; k: number; nprobes: number },
  folder: string,
  peer: Peer,
): Promise<Row> {
  const { seconds, found } = await queryLance(database, BUCKET, queriesPath, { loop, queries, k, nprobes, refine: 10 });
  const path = join(folder, 'lancedb.parquet');
  const pairs = found.flatMap((ids, i) => ids.map((id) => [`q${String(i).padStart(9, '0')}`, id] as const));
  const writer = await createHits(path);
  await writer.append({
    queryIds: columnFrom(pairs.map(([query]) => query)),
    targetIds: columnFrom(pairs.map(([, target]) => target)),
    distances: new Float32Array(pairs.length),
    bucket: BUCKET,
  });
  await writer.finish();
  const { recall } = await peer.ask({ way: 'recall', hits: path, k, wanted: queries });
  await rm(path, { force: true });
  return { system: `LanceDB ${loop}`, queries, k, nprobes, queriesPerSecond: queries / seconds, recall: recall! };
}

function summarize(rows: readonly Row[], gemm: readonly number[]) {
  const groups = Map.groupBy(rows, ({ system, queries, k, nprobes }) => JSON.stringify([system, queries, k, nprobes]));
  const lines = [...groups.values()].map((group) => {
    const { system, queries, k, nprobes } = group[0]!;
    const own = group.map((row) => row.processQueriesPerSecond).filter((value) => value !== undefined);
    const peak = group.map((row) => row.peakMemoryBytes).filter((value) => value !== undefined);
    return {
      system,
      queries,
      k,
      nprobes,
      recall: spread(group.map((row) => row.recall)).median,
      queriesPerSecond: spread(group.map((row) => row.queriesPerSecond)),
      ...(own.length > 0 ? { processQueriesPerSecond: spread(own) } : {}),
      ...(peak.length > 0 ? { peakMemoryBytes: Math.max(...peak) } : {}),
    };
  });
  return {
    rows: Number(values.rows),
    dimension: Number(values.dimension),
    index: values.index,
    gemmFlopsPerSecond: spread(gemm),
    lines,
  };
}
