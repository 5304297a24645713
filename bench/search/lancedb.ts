import { columnFrom } from '../../workers/src/base/bytes/utf8-column.ts';
import { createHits } from '../../workers/src/hits/parquet/hits-writer.ts';
import { openTable } from '../../workers/src/lance/tables.ts';
import { openShard } from '../../workers/src/shard/shard-reader.ts';

// One process for each loop, so that its peak memory is that of the loop:
//   lancedb.ts '{"database": ..., "bucket": ..., "queriesPath": ..., "output": ..., "loop": ..., "queries": ..., ...}'

/** The usual loops: a query at a time, several in flight, or several vectors in one query. */
export type LanceLoop = 'one by one' | 'in flight' | 'multi-vector';

export interface LanceRequest {
  database: string;
  bucket: string;
  queriesPath: string;
  /** File for the hits, whose recall is computed later. */
  output: string;
  loop: LanceLoop;
  queries: number;
  k: number;
  nprobes: number;
  refine: number;
}

const IN_FLIGHT = 4;
const VECTORS_A_QUERY = 32;

/** Runs LanceDB's own query in one of the loops. @returns seconds, and the ids found for each query */
async function queryLance({
  database,
  bucket,
  queriesPath,
  ...settings
}: LanceRequest): Promise<{ seconds: number; found: string[][] }> {
  const table = await openTable(database, bucket);
  const shard = await openShard(queriesPath);
  const { dimension } = shard;
  const rows = await shard.readRows(0, settings.queries, new ArrayBuffer(settings.queries * dimension * 4));
  shard.close();
  const vectors = new Float32Array(rows.vectors);
  const vector = (i: number) => vectors.subarray(i * dimension, (i + 1) * dimension);
  const found: string[][] = Array.from({ length: settings.queries }, () => []);
  const ask = (first: number, count: number) => {
    let query = table.query().nearestTo(vector(first)).distanceType('cosine').nprobes(settings.nprobes);
    query = query.refineFactor(settings.refine).limit(settings.k).select(['id', '_distance']);
    for (let i = 1; i < count; i++) query = query.addQueryVector(vector(first + i));
    return query.toArrow();
  };
  const collect = async (first: number, count: number) => {
    const answer = await ask(first, count);
    const ids = answer.getChild('id')!;
    const owner = count > 1 ? answer.getChild('query_index') : undefined;
    for (let row = 0; row < answer.numRows; row++) found[first + Number(owner?.get(row) ?? 0)]!.push(ids.get(row));
  };
  await ask(0, 1);
  const startedMs = performance.now();
  const width = settings.loop === 'multi-vector' ? VECTORS_A_QUERY : 1;
  const lanes = settings.loop === 'in flight' ? IN_FLIGHT : 1;
  let next = 0;
  const lane = async () => {
    for (let first = next; first < settings.queries; first = next) {
      next += width;
      await collect(first, Math.min(width, settings.queries - first));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const seconds = (performance.now() - startedMs) / 1000;
  table.close();
  return { seconds, found };
}

async function main(request: LanceRequest): Promise<void> {
  const { seconds, found } = await queryLance(request);
  const pairs = found.flatMap((ids, i) => ids.map((id) => [`q${String(i).padStart(9, '0')}`, id] as const));
  const writer = await createHits(request.output);
  await writer.append({
    queryIds: columnFrom(pairs.map(([query]) => query)),
    targetIds: columnFrom(pairs.map(([, target]) => target)),
    distances: new Float32Array(pairs.length),
    bucket: request.bucket,
  });
  await writer.finish();
  process.stdout.write(`${JSON.stringify({ seconds })}\n`);
  process.exit(0);
}

await main(JSON.parse(process.argv[2]!));
