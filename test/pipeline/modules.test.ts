import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../support/run.ts';
import { nextflow, readTrace, type TracedTask } from './support/nextflow.ts';

const TESTS = join(ROOT, 'test/pipeline/modules');
const MODULES = await readdir(join(ROOT, 'modules'));

/** Outputs of each process, run alone by its file in modules/, and the tag of its task. */
const EXPECTED: Record<string, { tag: string; emitted: Record<string, unknown> }> = {
  align_neighbours: {
    tag: 'all queries',
    emitted: {
      neighbours: 'neighbours.parquet',
      csv: 'neighbours.csv',
      fasta: 'neighbours.fasta',
      report: 'neighbours.align-neighbours.json',
    },
  },
  delete_replaced: { tag: '', emitted: { report: 'delete-replaced.json' } },
  describe_shard: {
    tag: 'a.h5 and 1 more',
    emitted: { description: [['in/a.h5', 'in/b.h5'], 'descriptions'], report: 'describe-shard.json' },
  },
  embed_sequences: {
    tag: 'a b.fasta',
    emitted: {
      embedded: [
        ...['in/a b.fasta', 'key', 'a_b.fasta.h5', 'a_b.fasta.description', 'a_b.fasta.embed-sequences.json'],
        ['a_b.fasta.skipped.csv'],
      ],
    },
  },
  evaluate: {
    tag: '',
    emitted: { evaluation: 'evaluation.json', page: 'evaluation.html', report: 'evaluate.json' },
  },
  fetch_columns: {
    tag: '1',
    emitted: {
      neighbours: 'neighbours.parquet',
      csv: 'neighbours.csv',
      fasta: 'neighbours.fasta',
      report: 'fetch-columns.json',
    },
  },
  fetch_queries: { tag: '1', emitted: { shard: 'query_ids.h5', report: 'fetch-queries.json' } },
  import_vectors: {
    tag: 'a b.npy',
    emitted: {
      shard: ['in/a b.npy', 'a_b.npy.h5'],
      description: ['in/a b.npy', 'a_b.npy.description'],
      report: 'a_b.npy.import-vectors.json',
    },
  },
  index_bucket: {
    tag: 'bucket_00001',
    emitted: { entry: ['bucket_00001', 'bucket_00001.json'], report: 'bucket_00001.index-bucket.json' },
  },
  join_neighbours: {
    tag: '1',
    emitted: {
      neighbours: 'neighbours.parquet',
      csv: 'neighbours.csv',
      fasta: 'neighbours.fasta',
      report: 'join-neighbours.json',
    },
  },
  ingest_bucket: {
    tag: 'bucket_00001',
    emitted: {
      manifest: ['bucket_00001', { rows: 10, dimension: 8, shard_bytes: 320 }, 'bucket_00001.ingest.json'],
      report: 'bucket_00001.ingest-bucket.json',
    },
  },
  merge_hits: {
    tag: '',
    emitted: { neighbours: 'neighbours.parquet', csv: 'neighbours.csv', report: 'merge-hits.json' },
  },
  pack_buckets: { tag: '', emitted: { plan: 'plan.json', report: 'pack-buckets.json' } },
  plan_run: { tag: '', emitted: { plan: 'run_plan.json', table: 'run_plan.txt' } },
  plan_search: { tag: '', emitted: { parts: 'parts.json', report: 'plan-search.json' } },
  render_report: { tag: '', emitted: { report: 'report.html', outcome: 'outcome.json' } },
  search_bucket: {
    tag: 'bucket_00001.part_00001',
    emitted: {
      hits: 'bucket_00001.part_00001.hits.parquet',
      ground_truth: 'bucket_00001.part_00001.truth.parquet',
      report: 'bucket_00001.part_00001.search-bucket.json',
    },
  },
  split_sequences: {
    tag: 'a b.fasta',
    emitted: {
      parts: ['in/a b.fasta', 'part_00001.stub.fasta'],
      skipped: ['in/a b.fasta', 'a_b.fasta.skipped.csv'],
      report: 'a_b.fasta.split-sequences.json',
    },
  },
};

describe('the stub of each module', () => {
  /** By module and channel. */
  const emitted: Record<string, Record<string, unknown>> = {};
  let tasks: TracedTask[] = [];
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanceflow-test-'));
    const args = ['-lib', join(ROOT, 'lib'), '-stub-run', '--data', join(ROOT, 'test/pipeline/data')];
    const trace = ['-with-trace', 'pipeline_info/execution_trace.txt'];
    const { code, stdout } = await nextflow(['run', join(TESTS, 'main.nf'), ...args, ...trace], folder);
    expect(code, stdout).toBe(0);
    for (const [, line] of stdout.matchAll(/^emitted (.*)$/gm)) {
      const { channel, value } = JSON.parse(line!) as { channel: string; value: unknown };
      const [module = '', name = ''] = channel.split('.');
      emitted[module] = { ...emitted[module], [name]: value };
    }
    tasks = await readTrace(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('has a test', async () => {
    const files = (await readdir(TESTS))
      .map((name) => basename(name, '.nf'))
      .filter((name) => !/^(main|show)$/.test(name));
    expect(files.sort()).toEqual(MODULES.toSorted());
    expect(Object.keys(EXPECTED).sort()).toEqual(MODULES.toSorted());
    const main = await readFile(join(TESTS, 'main.nf'), 'utf8');
    for (const module of MODULES) expect(main).toContain(`\n    TEST_${module.toUpperCase()}()\n`);
  });

  test.each(MODULES)('%s runs once, and emits on all of its channels', async (module) => {
    const own = tasks.filter(({ process }) => process === module.toUpperCase());
    expect(own).toMatchObject([{ tag: EXPECTED[module]!.tag, status: 'COMPLETED' }]);
    expect(emitted[module]).toEqual(EXPECTED[module]!.emitted);
    const text = await readFile(join(ROOT, 'modules', module, 'main.nf'), 'utf8');
    const channels = Array.from(text.matchAll(/\bemit: (\w+)/g), ([, name]) => name!);
    expect(Object.keys(emitted[module]!).sort()).toEqual(channels.sort());
  });
});
