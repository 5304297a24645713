/**
 * Rewrites the table of costs in docs/in-place.md from bench/results/ask.json and scale.json.
 *
 *   node bench/in-place/cost-page.ts
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readInputs } from '../scale/inputs.ts';
import { I4I } from '../scale/machine.ts';
import { digits, insertTables, markdownTable } from '../support/markdown.ts';
import { ROOT } from '../support/run.ts';
import { type MeasuredQuestion, questionCost, questionsForCampaign, rescoredBytes } from './question-cost.ts';

/** The parts of bench/results/ask.json that this page uses. */
interface AskResult {
  command: string;
  machine: string;
  date: string;
  rows: string;
  dimension: string;
  nprobes: number;
  refineFactor: number;
  handlers: Array<{
    k: number;
    queries: number;
    lanceflow: Pick<MeasuredQuestion, 'coldMs' | 'coldReads'> & { startMs: number; importMs: number };
  }>;
}

const ROWS = 3.5e9;
const BUCKET_ROWS = [50e6, 200e6, 400e6];
const MEMORY_MB = [1769, 3008, 7076];

/** Returns the table of costs by name. @param tableBytes of a vector with its codes */
export function costTables(result: AskResult, tableBytes: number): Record<string, string> {
  const cores = Number(/(\d+) cores/.exec(result.machine)?.[1] ?? 2);
  const rows = result.handlers.flatMap(({ k, queries, lanceflow }) => {
    const { startMs, importMs, coldMs, coldReads } = lanceflow;
    const { nprobes, refineFactor } = result;
    const sizes = { rows: Number(result.rows), dimension: Number(result.dimension), nprobes, refineFactor };
    const question = { k, queries, ...sizes, startMs: startMs + importMs, coldMs, coldReads, cores };
    // With the smallest k, the fewest vectors are read besides.
    const [least] = result.handlers.filter((one) => one.queries === queries).sort((a, b) => a.k - b.k);
    const others = rescoredBytes({ ...question, k: least!.k }, sizes.rows);
    const measured = { ...question, indexBytes: least!.lanceflow.coldReads.bytes - others };
    // Every memory for the usual bucket, every bucket for the usual memory.
    const cases = [...BUCKET_ROWS.map((bucketRows) => [bucketRows, 3008]), ...MEMORY_MB.map((mb) => [200e6, mb])];
    const unique = [...new Map(cases.map((one) => [one.join(), one])).values()];
    return unique.map(([bucketRows, memoryMb]) => {
      const cost = questionCost(measured, { rows: ROWS, bucketRows: bucketRows!, memoryMb: memoryMb! });
      return [
        ...[`${queries}`, k.toLocaleString('en'), `${bucketRows! / 1e6} million`, `${Math.ceil(cost.buckets)}`],
        ...[memoryMb!.toLocaleString('en'), digits(cost.bytes / 1e6), digits(cost.requests), digits(cost.seconds)],
        ...[`$${digits(cost.dollars)}`, digits(questionsForCampaign(cost.dollars, ROWS, tableBytes, I4I))],
      ];
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

if (import.meta.main) {
  const result = JSON.parse(await readFile(join(ROOT, 'bench/results/ask.json'), 'utf8')) as AskResult;
  const { scale } = await readInputs();
  const page = join(ROOT, 'docs/in-place.md');
  const text = await readFile(page, 'utf8');
  await writeFile(page, insertTables(text, 'in-place', costTables(result, scale.bytesPerVector['ivf-rq']!)));
}
