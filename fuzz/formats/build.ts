import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case, Format, RunFacts } from '../engine/case.ts';
import { hitsText, readWrittenHits } from '../oracle/outputs.ts';
import { readTableIds } from '../oracle/table.ts';
import { BUCKET, FIRST, K, ON_DB, SECOND, theWorld } from '../seeds/world.ts';

const EXACT = [
  ...['search-bucket', ...ON_DB, '--queries', 'q.h5', '--k', `${K}`],
  ...['--search', 'exact', '--output', 'hits.parquet'],
];
const found = async ({ folder }: RunFacts) => hitsText(await readWrittenHits(join(folder, 'hits.parquet')));

/** Shard descriptions, which packing reads instead of the shards. */
export const DESCRIPTIONS: Format = {
  name: 'description',
  describe: 'pack-buckets on changed shard descriptions',
  weight: 2,
  async prepare(folder, tools) {
    const world = await theWorld(folder, tools);
    const files = { 'a.description': 'a.description', 'b.description': 'b.description' };
    const template = await world.template('described', files);
    const pack = ['pack-buckets', '--input', 'a.description', 'b.description', '--bucket-size', '1000'];
    return Object.keys(files).map((target) => ({
      name: target,
      ...{
        template,
        target,
        anatomy: 'json-line' as const,
        partners: Object.keys(files).map((name) => join(template, name)),
      },
      steps: [[...pack, '--database', 'db', '--output', 'plan.json']],
      outputs: ['plan.json'],
      writes: ['db'],
      answer: ({ folder }) => readFile(join(folder, 'plan.json'), 'utf8'),
      explain: ({ mutated }, answer) => descriptionProblem(mutated, answer),
    }));
  },
};

/** Reads a description as docs/formats.md defines it, and compares the plan with it. */
function descriptionProblem(bytes: Buffer, plan: string): string | undefined {
  try {
    const end = bytes.indexOf(10);
    const header = JSON.parse(bytes.toString('utf8', 0, end)) as { rows: number; contentHash: string };
    const ids: string[] = [];
    for (let at = end + 1; at < bytes.length; ) {
      const rows = bytes.readUInt32LE(at);
      const lengths = Array.from({ length: rows }, (_, row) => bytes.readUInt32LE(at + 4 + 4 * row));
      at += 4 + 4 * rows;
      for (const length of lengths) {
        ids.push(bytes.toString('latin1', at, at + length));
        at += length;
      }
    }
    if (ids.length !== header.rows) return `packed, with ${ids.length} ids of ${header.rows} rows`;
    if (new Set(ids).size < ids.length) return 'packed, with a duplicated id';
    if (ids.includes('')) return 'packed, with an empty id';
    return plan.includes(header.contentHash) ? undefined : 'the plan has another content hash';
  } catch (error) {
    return `packed, although it cannot be read: ${(error as Error).message}`;
  }
}

interface Source {
  path: string;
  start: number;
  end: number;
}

/** Bucket plans: the table must have the rows in the plan. */
export const PLANS: Format = {
  name: 'bucket-plan',
  describe: 'ingest-bucket on changed bucket plans',
  weight: 3,
  async prepare(folder, tools) {
    const world = await theWorld(folder, tools);
    const files = { 'a.h5': 'a.h5', 'b.h5': 'b.h5', planned: 'db', 'plan.json': 'plan.json' };
    const template = await world.template('planned', files);
    return [
      {
        name: 'ingested',
        ...{ template, target: 'plan.json', anatomy: 'json' },
        steps: [['ingest-bucket', '--plan', 'plan.json', ...ON_DB]],
        outputs: [],
        writes: ['db'],
        answer: async ({ folder }) => (await readTableIds(join(folder, 'db'), 'bucket_00001')).sort().join('\n'),
        explain: ({ mutated }, answer) => planProblem(mutated, answer),
      },
    ];
  },
};

function planProblem(mutated: Buffer, answer: string): string | undefined {
  const plan = JSON.parse(mutated.toString()) as { buckets: Array<{ bucket: string; sources: Source[] }> };
  const { sources } = plan.buckets.find(({ bucket }) => bucket === BUCKET[1])!;
  const ids = sources.flatMap(({ path, start, end }) =>
    ({ 'a.h5': FIRST, 'b.h5': SECOND })[path]?.ids.slice(start, end),
  );
  return ids.sort().join('\n') === answer ? undefined : 'the table has other rows than the plan names';
}

/** Ingest records: index-bucket must make a bucket from them that verify and searches accept. */
export const RECORDS: Format = {
  name: 'ingest-record',
  describe: 'index-bucket, search-bucket and verify on changed ingest records',
  weight: 3,
  async prepare(folder, tools) {
    const world = await theWorld(folder, tools);
    const files = { 'a.h5': 'a.h5', 'q.h5': 'q.h5', ingested: 'db', 'plan.json': 'plan.json' };
    const template = await world.template('ingested', files);
    const target = 'db/_pending/bucket_00001.json';
    const partners = [join(template, 'db/_pending/bucket_00002.json')];
    const base = {
      template,
      target,
      partners,
      anatomy: 'json',
      outputs: ['hits.parquet'],
      writes: ['db', 'work'],
    } as const;
    const index = ['index-bucket', ...ON_DB];
    const verify = ['verify', '--database', 'db', '--work', 'work', ...BUCKET];
    const whole: Pick<Case, 'answer' | 'explain'> = {
      answer: found,
      explain: () => 'another answer, and verify finds nothing',
    };
    return [
      { ...base, name: 'indexed', steps: [index, verify, EXACT], ...whole },
      // Reserved names, and rows that another build has.
      {
        ...{ ...base, name: 'packed against', outputs: ['new.json'] },
        steps: [['pack-buckets', '--input', 'a.h5', '--database', 'db', '--output', 'new.json']],
        answer: async ({ folder }) => sourcesOf(await readFile(join(folder, 'new.json'), 'utf8')),
        explain: () => 'the plan has other rows',
      },
      // Ingests the same rows again, where the record requires it.
      {
        ...base,
        name: 'ingested again',
        steps: [['ingest-bucket', '--plan', 'plan.json', ...ON_DB], index, verify, EXACT],
        ...whole,
      },
    ];
  },
};

/** Returns the packed rows of a plan, without names of buckets. */
function sourcesOf(plan: string): string {
  const { buckets } = JSON.parse(plan) as { buckets: Array<{ sources: unknown }> };
  return JSON.stringify(buckets.map(({ sources }) => sources));
}
