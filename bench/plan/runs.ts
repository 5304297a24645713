/** The runs that plans are compared with: each takes the options of the pipeline. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeModel } from '../embed-model.ts';
import { BENCH_MODELS } from '../embed-shapes.ts';
import { capture, PYTHON, ROOT } from '../support/run.ts';
import { makeSequences } from '../support/sequences.ts';
import { makeVectors } from '../support/vectors.ts';

/** Options by the pipeline's names. */
export type RunOptions = Record<string, string>;

export interface BenchRun {
  name: string;
  describe: string;
  /** Makes the inputs, and runs before it that it needs. @param s3 address of a prefix on the server */
  prepare(folder: string, s3: string): Promise<{ options: RunOptions; before?: RunOptions }>;
}

const DIMENSION = '960';

export const RUNS: readonly BenchRun[] = [
  {
    name: 'kmer',
    describe: '100,000 sequences with kmer, and 2,000 queries',
    async prepare(folder) {
      const [input, queries] = [await makeSequences(folder, 100_000), await makeSequences(folder, 2000)];
      return { options: { input, queries, model: 'kmer', database: join(folder, 'kmer-database') } };
    },
  },
  {
    name: 'model',
    describe: '400 sequences with a model of 6 layers of 960 (random weights), and 40 queries',
    async prepare(folder) {
      const model = await makeModel(folder, BENCH_MODELS.amplify!, 6, 'F32');
      const [input, queries] = [await makeSequences(folder, 400), await makeSequences(folder, 40)];
      return { options: { input, queries, model, database: join(folder, 'model-database') } };
    },
  },
  {
    name: 'shards',
    describe: '1,500 shards of 100 vectors in buckets of 50,000',
    async prepare(folder) {
      const input = join(folder, 'shards');
      await mkdir(input, { recursive: true });
      await capture(PYTHON, [join(ROOT, 'bench/plan/make_shards.py'), input, '1500', '100', DIMENSION]);
      return { options: { input, bucket_size: '50000', database: join(folder, 'shards-database') } };
    },
  },
  {
    name: 'campaign',
    describe: '20,000 queries against 2 buckets of 100,000 by scan',
    async prepare(folder) {
      const input = await makeVectors(folder, 'vectors', '200000', DIMENSION, '1');
      const queries = await makeVectors(folder, 'queries', '20000', DIMENSION, '2');
      const database = join(folder, 'campaign-database');
      return { before: { input, bucket_size: '100000', database }, options: { queries, search: 'scan', database } };
    },
  },
  {
    name: 's3',
    describe: '2,000 queries against 2 buckets of 50,000 on S3 (versitygw on the same machine)',
    async prepare(folder, s3) {
      const input = await makeVectors(folder, 'vectors', '100000', DIMENSION, '1');
      const queries = await makeVectors(folder, 'queries', '2000', DIMENSION, '2');
      const database = `${s3}/campaign`;
      return { before: { input, bucket_size: '50000', database }, options: { queries, database } };
    },
  },
];
