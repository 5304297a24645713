import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Case, Format, Problem, RunFacts, Tools } from '../engine/case.ts';
import { unescapedMarkup } from '../engine/message.ts';
import { hitsText, readWrittenHits } from '../oracle/outputs.ts';
import { PYTHON, type ReadHit } from '../oracle/python.ts';
import { K, theWorld, type World } from '../seeds/world.ts';

const HITS = ['bucket_00001.parquet', 'bucket_00002.parquet'] as const;
const merge = (...more: string[]) => [
  ...['merge-hits', '--input', ...HITS.map((name) => `hits/${name}`), '--k', `${K}`],
  ...['--output', 'neighbours.parquet', ...more],
];
const merged = async ({ folder }: RunFacts) => hitsText(await readWrittenHits(join(folder, 'neighbours.parquet')));

/** Hits and ground truth: the neighbours must follow from the files as pyarrow reads them. */
export const PARQUET: Format = {
  name: 'hits',
  describe: 'merge-hits on changed hits and ground truth',
  weight: 4,
  async prepare(folder, tools) {
    const world = await theWorld(folder, tools);
    const template = await world.template('hits', { hits: 'hits', truth: 'truth' });
    const outputs = ['neighbours.parquet', 'neighbours.csv'];
    const foreign = await foreignCases(world, tools);
    return [
      ...foreign,
      {
        name: 'merged',
        ...{ template, target: `hits/${HITS[0]}`, anatomy: 'bytes', partners: [join(template, 'hits', HITS[1])] },
        steps: [merge('--csv', 'neighbours.csv')],
        outputs,
        answer: merged,
        explain: (facts, answer) => mergeProblem(facts, answer, tools),
      },
      {
        name: 'ground truth, merged',
        ...{ template, target: `truth/${HITS[0]}`, anatomy: 'bytes', partners: [join(template, 'truth', HITS[1])] },
        steps: [merge('--truth', ...HITS.map((name) => `truth/${name}`))],
        outputs: outputs.slice(0, 1),
        answer: async (facts) => `${JSON.stringify(facts.report(0).recall)}\n${await merged(facts)}`,
        explain: (facts, answer, expected) => groundTruthProblem(facts, answer, expected, tools),
      },
    ];
  },
};

/** Hits as other programs write them: no metadata, other encodings. */
async function foreignCases(world: World, tools: Tools): Promise<Case[]> {
  if (PYTHON === undefined) return [];
  const template = await world.template('foreign-hits', { hits: 'hits' });
  const code =
    'import sys, pyarrow.parquet as pq\nfor path in sys.argv[1:]:\n    table = pq.read_table(path).replace_schema_metadata()\n    pq.write_table(table, path)';
  await promisify(execFile)(PYTHON, ['-c', code, ...HITS.map((name) => join(template, 'hits', name))]);
  return [
    {
      name: "another program's, merged",
      ...{ template, target: `hits/${HITS[0]}`, anatomy: 'bytes', partners: [join(template, 'hits', HITS[1])] },
      steps: [merge()],
      outputs: ['neighbours.parquet'],
      answer: merged,
      // Such a file has no checksums, and readers differ in the parts of the footer that they use.
      explain: (facts, answer) => mergeProblem(facts, answer, tools, false),
    },
  ];
}

/** Merges hits by a plain sort. */
function mergePlainly(hits: readonly ReadHit[]): string {
  const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const sorted = hits.toSorted((a, b) => order(a[0], b[0]) || a[2] - b[2] || order(a[1], b[1]) || order(a[3], b[3]));
  const ranks = new Map<string, number>();
  const kept = sorted.filter(([query]) => {
    ranks.set(query, (ranks.get(query) ?? 0) + 1);
    return ranks.get(query)! <= K;
  });
  return hitsText(kept.map(([query, target, distance, bucket]) => ({ query, target, distance, bucket })));
}

/** @param strict whether hits that pyarrow cannot read must be refused */
async function mergeProblem({ folder }: RunFacts, answer: string, { python }: Tools, strict = true): Promise<Problem> {
  const hits: ReadHit[] = [];
  for (const name of HITS) {
    const read = await python?.hits(join(folder, 'hits', name));
    if (read === undefined) return undefined;
    if (read instanceof Error)
      return strict ? `merged, although pyarrow cannot read the hits: ${read.message}` : undefined;
    hits.push(...read);
  }
  if (answer !== mergePlainly(hits)) return 'the neighbours are not those of the hits as pyarrow reads them';
  // Only the bytes distinguish a file from the same file under another bucket and query.
  return undefined;
}

/** The neighbours do not depend on the ground truth; their recall does. */
async function groundTruthProblem({ target }: RunFacts, answer: string, expected: string, { python }: Tools) {
  const neighbours = (text: string) => text.slice(text.indexOf('\n'));
  if (neighbours(answer) !== neighbours(expected)) return 'the neighbours differ';
  const read = await python?.hits(target);
  return read instanceof Error ? `merged, although pyarrow cannot read the ground truth: ${read.message}` : undefined;
}

/** Neighbours and worker reports, the inputs of the report. */
export const REPORTS: Format = {
  name: 'report',
  describe: 'render-report on changed neighbours and worker reports',
  weight: 2,
  async prepare(folder, tools) {
    const world = await theWorld(folder, tools);
    const files = { reports: 'reports', 'neighbours.parquet': 'neighbours.parquet', hits: 'hits' };
    const template = await world.template('report', files);
    const all = Array.from({ length: 10 }, (_, i) => `reports/${i}.json`);
    const page: Pick<Case, 'template' | 'steps' | 'outputs' | 'answer'> = {
      template,
      steps: [['render-report', '--neighbours', 'neighbours.parquet', '--reports', ...all, '--output', 'report.html']],
      outputs: ['report.html'],
      answer: ({ folder }) => readFile(join(folder, 'report.html'), 'utf8'),
    };
    const markup = (answer: string) => {
      const text = unescapedMarkup(answer);
      return text === undefined ? undefined : `markup of the input is in the page: ${text}`;
    };
    const reports = all.map(
      (target): Case => ({
        ...page,
        ...{ name: target, target, anatomy: 'json', partners: all.map((name) => join(template, name)) },
        explain: (_, answer) => markup(answer),
      }),
    );
    const neighbours: Case = {
      ...page,
      ...{
        name: 'neighbours',
        target: 'neighbours.parquet',
        anatomy: 'bytes',
        partners: [join(template, 'hits', HITS[0])],
      },
      async explain({ target, report }, answer) {
        const read = await tools.python?.hits(target);
        if (read instanceof Error) return `shown, although pyarrow cannot read it: ${read.message}`;
        if (read && read.length !== report(0).rows) return `${report(0).rows} neighbours, not ${read.length}`;
        return markup(answer);
      },
    };
    return [neighbours, neighbours, neighbours, ...reports];
  },
};
