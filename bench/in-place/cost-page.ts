/**
 * Rewrites the tables of costs and latencies in docs/in-place.md from bench/results/ask.json, ask-float16.json and scale.json.
 *
 *   node bench/in-place/cost-page.ts
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { I4I } from '../../workers/src/forecast/machines/price-table.ts';
import { searchNeeds } from '../../workers/src/search/in-place/search-needs.ts';
import { type LatencyResult, latencyTable } from '../ask/latency-page.ts';
import { readInputs } from '../scale/inputs.ts';
import { digits, insertTables, markdownTable } from '../support/markdown.ts';
import { ROOT } from '../support/run.ts';
import { type MeasuredBucket, type MeasuredQuestion, questionCost, questionsForCampaign } from './question-cost.ts';

/** The parts of bench/results/ask.json that this page uses. */
export interface AskResult {
  command: string;
  machine: string;
  date: string;
  rows: string;
  dimension: string;
  nprobes: number;
  refineFactor: number;
  'vector-type'?: string;
  handlers: Array<{
    k: number;
    queries: number;
    lanceflow: Pick<MeasuredQuestion, 'coldMs' | 'coldReads'> & { startMs: number; importMs: number };
  }>;
}

const ROWS = 3.5e9;
const BUCKET_ROWS = [50e6, 200e6, 400e6];
const MEMORY_MB = [1769, 3008, 7076];
/** Of a search: SearchDiskMb of the template. */
const DISK_MB = 8192;

/** Returns the table of costs by name. @param tableBytes of a vector with its codes */
export function costTables(result: AskResult, tableBytes: number): Record<string, string> {
  const bucket = measuredBucket(result);
  const rows = bucket.questions.flatMap(({ k, queries }) => {
    // Every memory for the usual bucket, every bucket for the usual memory.
    const cases = [...BUCKET_ROWS.map((bucketRows) => [bucketRows, 3008]), ...MEMORY_MB.map((mb) => [200e6, mb])];
    const unique = [...new Map(cases.map((one) => [one.join(), one])).values()] as Array<[number, number]>;
    return unique.map(([bucketRows, memoryMb]) => {
      const size = `${bucketRows / 1e6} million`;
      const needsMb = memoryNeeded(bucket, k, queries, bucketRows, memoryMb) / 2 ** 20;
      const cost = questionCost(bucket, { k, queries }, { rows: ROWS, bucketRows, memoryMb, diskMb: DISK_MB });
      const { total } = cost.dollars;
      const what = [`${queries}`, k.toLocaleString('en'), size, `${cost.buckets}`, memoryMb.toLocaleString('en')];
      const read = [digits(cost.bytes / 1e6), digits(cost.requests)];
      if (needsMb > memoryMb) return [...what, ...read, `needs ${digits(needsMb)} MB`, '', ''];
      const campaign = digits(questionsForCampaign(total, ROWS, tableBytes, I4I));
      return [...what, ...read, digits(cost.seconds), `$${digits(total)}`, campaign];
    });
  });
  const head = [
    'queries',
    'k',
    'bucket',
    'buckets',
    'memory, MB',
    'MB read',
    'requests',
    'seconds',
    'dollars',
    'campaign from',
  ];
  const source = `\`${result.command}\`, ${result.machine}, ${result.date}`;
  return { cost: `${markdownTable([head, ...rows])}\n\nMB and requests are those of one bucket. From ${source}.` };
}

/** Returns the bucket of a saved measurement. */
export function measuredBucket(result: AskResult): MeasuredBucket {
  const { rows, dimension, nprobes, refineFactor, machine, handlers } = result;
  return {
    rows: Number(rows),
    dimension: Number(dimension),
    componentBytes: result['vector-type'] === 'float16' ? 2 : 4,
    nprobes,
    refineFactor,
    cores: Number(/(\d+) cores/.exec(machine)?.[1] ?? 2),
    startMs: Math.max(...handlers.map(({ lanceflow: { startMs, importMs } }) => startMs + importMs)),
    questions: handlers.map(({ k, queries, lanceflow: { coldMs, coldReads } }) => ({ k, queries, coldMs, coldReads })),
  };
}

/** Returns the bytes of memory that a search of a larger bucket needs. */
function memoryNeeded(bucket: MeasuredBucket, k: number, queries: number, rows: number, memoryMb: number): number {
  const { dimension, nprobes, refineFactor, componentBytes } = bucket;
  const entry = {
    ...{ rows, dimension, partitions: undefined, bytes: rows * dimension * componentBytes },
    vectorType: componentBytes === 2 ? ('float16' as const) : ('float32' as const),
    index: {
      ...{ kind: 'ivf-rq' as const, metric: 'cosine' as const, parameters: {} },
      partitions: Math.floor(Math.sqrt(rows)),
    },
  };
  return searchNeeds(entry, { k, nprobes, refineFactor, excludeSelf: false }, queries, memoryMb).memoryBytes;
}

if (import.meta.main) {
  const read = async (name: string) => JSON.parse(await readFile(join(ROOT, `bench/results/${name}.json`), 'utf8'));
  const result = (await read('ask')) as AskResult & LatencyResult;
  const { scale } = await readInputs();
  const page = join(ROOT, 'docs/in-place.md');
  const tables = {
    ...costTables(result, scale.bytesPerVector['ivf-rq']!),
    float32: latencyTable(result),
    float16: latencyTable((await read('ask-float16')) as LatencyResult),
  };
  await writeFile(page, insertTables(await readFile(page, 'utf8'), 'in-place', tables));
}
