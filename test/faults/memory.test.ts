// @module-tag slow

import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { lanceflowJson, missingPython, sharedFolder } from '../support/run.ts';
import { h5py } from '../support/shards.ts';

const BUCKET = ['--bucket', 'bucket_00001'];
const MB = 2 ** 20;
const skip = missingPython();

/** Compares the peak memory of commands on few and many rows of 256 components, 1 KB each. */
describe.skipIf(skip)('memory does not grow with the rows:', () => {
  let folder = '';
  const peaks = new Map<string, number>();

  const measure = async (name: string, rows: number, argv: string[]) => {
    const { peakMemoryBytes } = await lanceflowJson(argv);
    peaks.set(`${name} ${rows}`, (peakMemoryBytes as number) / MB);
  };
  const growthMb = (name: string, few: number, many: number) =>
    peaks.get(`${name} ${many}`)! - peaks.get(`${name} ${few}`)!;

  async function build(rows: number, searched: boolean): Promise<void> {
    const [shard, plan, database] = [join(folder, `${rows}.h5`), join(folder, 'plan.json'), join(folder, `${rows}-db`)];
    await h5py(
      folder,
      `
with h5py.File('${rows}.h5', 'w') as f:
    f['embedding'] = rng.standard_normal((${rows}, 256), dtype='f4')
    f['id'] = np.array([b'p%d' % i for i in range(${rows})])
with h5py.File('q.h5', 'w') as f:
    f['embedding'] = rng.standard_normal((200, 256), dtype='f4')
    f['id'] = np.array([b'q%d' % i for i in range(200)])`,
    );
    await measure('pack-buckets', rows, ['pack-buckets', '--input', shard, '--output', plan]);
    await measure('ingest-bucket', rows, [
      'ingest-bucket',
      '--plan',
      plan,
      ...BUCKET,
      '--database',
      database,
      '--threads',
      '1',
    ]);
    if (!searched) return;
    await lanceflowJson(['index-bucket', ...BUCKET, '--database', database, '--index', 'ivf-rq']);
    for (const search of ['exact', 'scan', 'ann']) {
      const where = [...BUCKET, '--database', database, '--queries', join(folder, 'q.h5')];
      await measure(search, rows, [
        'search-bucket',
        ...where,
        '--search',
        search,
        '--output',
        join(folder, 'h.parquet'),
      ]);
    }
  }

  beforeAll(async () => {
    folder = await sharedFolder();
    await build(20_000, true);
    await build(100_000, true);
    await build(300_000, false);
  });

  // Up to 100,000 rows the buffers of a build still fill; beyond, memory stays the same.
  it.each(['pack-buckets', 'ingest-bucket'])('%s of 200 MB more', (name) => {
    expect(growthMb(name, 100_000, 300_000)).toBeLessThan(80);
  });

  // index-bucket is not tested: most of its memory is LanceDB's, and grows with the index, a small part of the table.
  it.each(['exact', 'scan', 'ann'])('%s of 80 MB more', (name) => {
    expect(growthMb(name, 20_000, 100_000)).toBeLessThan(40);
  });
});
