import { markdownTable } from '../support/markdown.ts';

/** The parts of a saved `npm run bench -- ask` that docs/in-place.md shows. */
export interface LatencyResult {
  command: string;
  machine: string;
  date: string;
  handlers: Array<{ k: number; queries: number; lanceflow: Answered; article: Answered }>;
}

interface Answered {
  importMs: number;
  coldMs: number;
  warmMs: { median: number; p99: number };
  warmReads: { requests: number; bytes: number };
  hits: number;
  /** Share of the true neighbours that were found. */
  recall: number;
}

/** Returns the table of latencies: two rows a case, LanceFlow's and the article's. */
export function latencyTable({ command, machine, date, handlers }: LatencyResult): string {
  const head = ['', '', 'import', 'cold', 'warm', 'p99', 'requests', 'MB', 'found', 'recall'];
  const rows = handlers.flatMap(({ k, queries, lanceflow, article }) => {
    const what = `${queries === 1 ? '1 query' : `${queries} queries`}, k = ${whole(k)}`;
    return [
      [what, 'LanceFlow', ...cells(lanceflow)],
      ['', 'article', ...cells(article)],
    ];
  });
  return `${markdownTable([head, ...rows])}\n\n\`${command}\`, ${machine}, ${date}.`;
}

const cells = ({ importMs, coldMs, warmMs, warmReads, hits, recall }: Answered): string[] => [
  ...[importMs, coldMs, warmMs.median, warmMs.p99, warmReads.requests].map(whole),
  (warmReads.bytes / 1e6).toFixed(1),
  whole(hits),
  recall.toFixed(3),
];

const whole = (value: number) => Math.round(value).toLocaleString('en');
