import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case, Format, RunFacts } from '../engine/case.ts';
import type { Anatomy } from '../mutate/mutate.ts';
import { hitsText, readWrittenHits, readWrittenShard } from '../oracle/outputs.ts';
import { filesIn, K, ON_DB, theWorld } from '../seeds/world.ts';

const ENTRY = 'db/_catalog/bucket_00001.json';
const SEARCHES = ['exact', 'scan', 'ann'] as const;
const VERIFY = ['verify', '--database', 'db', '--work', 'work'];

const search = (strategy: string) => [
  ...['search-bucket', ...ON_DB, '--queries', 'q.h5', '--k', `${K}`],
  ...['--search', strategy, '--output', 'hits.parquet'],
];

/** Reads the hits. */
const found = async ({ folder }: RunFacts) => hitsText(await readWrittenHits(join(folder, 'hits.parquet')));

/** Returns the output of `catalog` without the times of the build. */
const report = (facts: RunFacts, step: number) => {
  const { seconds: _, cpuSeconds: __, peakMemoryBytes: ___, ...rest } = facts.report(step);
  return JSON.stringify(rest);
};

/** Fields that no other file can contradict: notes on the build, and versions of software. */
const FREE_FIELDS = new Set([
  ...['model', 'steps', 'software', 'created', 'recipe', 'indexRecipe', 'sources'],
  // Entries of earlier versions have none; a wrong one is refused.
  'checksum',
  ...['index.parameters', 'index.kind', 'index.metric', 'index.partitions', 'index.subVectors', 'index.centroids'],
]);

/** Catalog entries: commands must check them before use. */
export const ENTRIES: Format = {
  name: 'catalog-entry',
  describe: 'search-bucket, verify, catalog, fetch-queries and pack-buckets on changed catalog entries',
  weight: 4,
  async prepare(folder, tools) {
    const world = await theWorld(folder, tools);
    const files = { db: 'db', 'q.h5': 'q.h5', 'a.description': 'a.description', 'b.description': 'b.description' };
    const template = await world.template('indexed', files);
    const second = join(template, 'db/_catalog/bucket_00002.json');
    const base = { template, target: ENTRY, anatomy: 'json', partners: [second] } as const;
    const searched = SEARCHES.map((strategy) => ({
      ...base,
      name: `searched by ${strategy}`,
      ...{ steps: [search(strategy)], outputs: ['hits.parquet'], answer: found },
      explain: () => 'the hits differ',
    }));
    const fetch = ['fetch-queries', '--ids', 'ids.txt', '--database', 'db', '--output', 'x.h5'];
    await writeFile(join(template, 'ids.txt'), 'a7\nb3\na1099\n');
    const packed = ['pack-buckets', '--input', 'a.description', 'b.description', '--bucket-size', '1100'];
    return [
      ...searched,
      {
        ...base,
        name: 'verified',
        ...{ steps: [VERIFY], outputs: [], writes: ['work'] },
        answer: async ({ mutated }) => mutated.toString(),
        explain: ({ valid, mutated }) => unnoticed(valid, mutated),
      },
      {
        ...base,
        name: 'listed',
        ...{ steps: [['catalog', '--database', 'db']], outputs: [] },
        answer: async (facts) => report(facts, 0),
        explain: () => undefined,
      },
      {
        ...base,
        name: 'fetched from',
        ...{ steps: [fetch], outputs: ['x.h5'] },
        answer: async ({ folder }) => JSON.stringify(await readWrittenShard(join(folder, 'x.h5'))),
        explain: () => 'other vectors',
      },
      {
        ...base,
        name: 'packed against',
        ...{
          steps: [[...packed, '--database', 'db', '--output', 'plan.json']],
          outputs: ['plan.json'],
          writes: ['db'],
        },
        answer: async (facts) => report(facts, 0),
        explain: ({ valid, mutated }) =>
          changedFields(valid, mutated)?.includes('sources') ? undefined : 'another plan',
      },
    ];
  },
};

/** Returns the top-level fields that differ; undefined where the text is no longer an entry. */
function changedFields(valid: Buffer, mutated: Buffer): string[] | undefined {
  const [before, after] = [parsed(valid), parsed(mutated)];
  if (before === undefined || after === undefined) return undefined;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

function parsed(text: Buffer): Record<string, unknown> | undefined {
  try {
    // Deeply nested values can be parsed, but not serialized.
    const { index, ...rest } = JSON.parse(text.toString().replace(/\[{99,}\]{99,}/, '"deep"'));
    const inner = Object.entries(index ?? {}).map(([name, value]) => [`index.${name}`, value]);
    return { ...rest, ...Object.fromEntries(inner) };
  } catch {
    return undefined;
  }
}

/** Returns fields that the files contradict and `verify` accepted. */
function unnoticed(valid: Buffer, mutated: Buffer): string | undefined {
  const fields = changedFields(valid, mutated);
  if (fields === undefined) return 'verified, although it is no JSON';
  const known = new Set(Object.keys(parsed(valid)!));
  const contradicted = fields.filter((name) => known.has(name) && !FREE_FIELDS.has(name));
  return contradicted.length > 0 ? `verified, with another "${contradicted.join('", "')}"` : undefined;
}

/** Files of a table and its partitions: `verify` must find every change, also one that a search does not notice. */
export const TABLES: Format = {
  name: 'table',
  describe: 'search-bucket and verify on changed data, index, manifest and partition files',
  weight: 5,
  async prepare(folder, tools) {
    const world = await theWorld(folder, tools);
    const template = await world.template('table', { db: 'db', 'q.h5': 'q.h5' });
    const files = await filesIn(template, 'db');
    const own = files.filter((path) => path.includes('bucket_00001') && path !== ENTRY);
    return own.flatMap((target): Case[] => {
      const partners = files.filter((path) => kindOf(path) === kindOf(target)).map((path) => join(template, path));
      const base = { template, target, anatomy: 'bytes' as Anatomy, partners };
      const name = kindOf(target);
      return [
        ...SEARCHES.map((strategy) => ({
          ...base,
          name: `${name}, ${strategy} and verified`,
          ...{ steps: [search(strategy), VERIFY], outputs: ['hits.parquet'], writes: ['work'], answer: found },
          // Reached only where `verify` found nothing.
          explain: () => 'other hits, and verify finds nothing',
        })),
        {
          ...base,
          name: `${name}, verified`,
          ...{ steps: [VERIFY], outputs: [], writes: ['work'] },
          answer: async ({ mutated }) => mutated.toString('latin1'),
          explain: () => 'verified, although the file differs from its checksum',
        },
      ];
    });
  },
};

/** Returns `data`, `_indices`, `_versions`, `_transactions` or `_partitions`. */
function kindOf(path: string): string {
  return path.split('/').find((part) => part === 'data' || (part.startsWith('_') && part !== '_catalog')) ?? path;
}
