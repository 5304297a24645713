import { cp, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Case, Format, RunFacts, Tools } from '../engine/case.ts';
import { hitsText, readWrittenHits } from '../oracle/outputs.ts';
import { nearestProblem } from '../oracle/vectors.ts';
import { makeShards, SHARD_ROWS } from '../seeds/shards.ts';
import { BUCKET, K, ON_DB } from '../seeds/world.ts';

/** HDF5 shards: a changed shard must be read as h5py reads it. */
export const SHARDS: Format = {
  name: 'hdf5',
  describe: 'describe-shard, ingest-bucket and search-bucket on changed shards',
  weight: 5,
  async prepare(folder, tools) {
    await mkdir(join(folder, 'made'), { recursive: true });
    const shards = await makeShards(join(folder, 'made'));
    const built = await buildSmall(join(folder, 'built'), shards[0]!, tools);
    const cases: Case[] = [];
    for (const shard of shards) {
      const layout = basename(shard, '.h5');
      const isHalf = layout.includes('float16');
      const template = join(folder, layout);
      await cp(built, template, { recursive: true });
      await cp(shard, join(template, 'x.h5'));
      const base = { template, target: 'x.h5', anatomy: 'bytes', partners: shards } as const;
      cases.push({ ...base, name: `${layout}, described`, ...described(tools) });
      if (isHalf) continue;
      cases.push({ ...base, name: `${layout}, as queries`, ...asQueries(tools) });
      // The plan has the hash of its content.
      cases.push({ ...base, name: `${layout}, ingested`, ...ingested() });
    }
    return cases;
  },
};

type Judged = Pick<Case, 'steps' | 'outputs' | 'writes' | 'answer' | 'explain'>;

function described({ python }: Tools): Judged {
  return {
    steps: [['describe-shard', '--input', 'x.h5', '--output', 'x.description']],
    outputs: ['x.description'],
    answer: async ({ report }) => String(report(0).contentHash),
    async explain({ target, report }) {
      const read = await python?.shard(target);
      if (read === undefined) return undefined;
      if (read instanceof Error) return `read, although h5py cannot: ${read.message}`;
      if (read.contentHash === report(0).contentHash) return undefined;
      return `content ${report(0).contentHash}, and ${read.contentHash} as h5py reads it`;
    },
  };
}

function asQueries({ python }: Tools): Judged {
  const output = 'hits.parquet';
  const search = ['search-bucket', ...ON_DB, '--queries', 'x.h5', '--k', `${K}`];
  return {
    steps: [[...search, '--search', 'exact', '--output', output]],
    outputs: [output],
    answer: async ({ folder }) => hitsText(await readWrittenHits(join(folder, output))),
    async explain({ folder, target }) {
      const read = await python?.shard(target);
      if (read === undefined) return undefined;
      if (read instanceof Error) return `searched, although h5py cannot read the queries: ${read.message}`;
      return nearestProblem(await readWrittenHits(join(folder, output)), read, SHARD_ROWS, K);
    },
  };
}

function ingested(): Judged {
  const on = [...BUCKET, '--database', 'new'];
  const steps = [
    ['ingest-bucket', '--plan', 'plan.json', '--shards', 'x.h5', ...on],
    ['index-bucket', ...on],
    ['search-bucket', ...on, '--queries', 'q.h5', '--k', `${K}`, '--search', 'exact', '--output', 'hits.parquet'],
  ];
  return {
    steps,
    outputs: ['hits.parquet'],
    writes: ['new'],
    answer: async ({ folder }: RunFacts) => hitsText(await readWrittenHits(join(folder, 'hits.parquet'))),
    explain: () => 'ingested, although the content hash of the plan is another one',
  };
}

/** Builds a database of the rows to search, and a plan of them for a second database. */
async function buildSmall(folder: string, shard: string, { run }: Tools): Promise<string> {
  await mkdir(folder, { recursive: true });
  await cp(shard, join(folder, 'x.h5'));
  await cp(shard, join(folder, 'q.h5'));
  await run(
    folder,
    ['pack-buckets', '--input', 'x.h5', '--database', 'db', '--output', 'plan.json'],
    ['ingest-bucket', '--plan', 'plan.json', ...ON_DB],
    ['index-bucket', ...ON_DB],
  );
  return folder;
}
