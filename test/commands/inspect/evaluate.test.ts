import { existsSync } from 'node:fs';
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Evaluation } from '../../../workers/src/evaluate/evaluation.ts';
import { estimateRecall } from '../../../workers/src/vectors/recall.ts';
import { runHere } from '../../support/command.ts';
import { bruteForce, buildDatabase, readHitRows } from '../../support/database.ts';
import { expectRefusalHere } from '../../support/refusal.ts';
import { sharedFolder } from '../../support/run.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const DIMENSION = 32;
const ROWS = 4000;
const QUERIES = 40;
/** As two lists, a grid of more points than the hits of the least sample fit the memory for. */
const LISTED = Array.from({ length: 40 }, (_, i) => i + 1).join();

let folder = '';
let database = '';
let rows: Rows;
let queries: Rows;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await sharedFolder();
  // Rows that fill the space evenly are those of which a few probes miss most.
  rows = randomRows(1, ROWS, DIMENSION);
  queries = randomRows(2, QUERIES, DIMENSION, 'q');
  const shard = await writeShard(at('rows.h5'), rows);
  await writeShard(at('queries.h5'), queries);
  ({ database } = await buildDatabase(folder, [shard], { bucketSize: ROWS / 2, index: ['--index', 'ivf-rq'] }));
});

const evaluate = (...options: string[]) =>
  runHere(['evaluate', '--database', database, '--json', ...options]) as unknown as Promise<Evaluation>;

/** The k nearest targets of each query over all buckets, in float64. */
function trueTargets(k: number): Map<string, Set<string>> {
  const all = new Map<string, Set<string>>();
  for (const { query, target } of bruteForce(queries, rows, 'cosine', k, ''))
    all.set(query, (all.get(query) ?? new Set()).add(target));
  return all;
}

describe('evaluate', () => {
  it('measures the recall that the files of a campaign have against brute force', async () => {
    const options = ['--queries', at('queries.h5'), '--k', '5', '--nprobes', '1,4', '--refine-factor', '1,10'];
    const { points, recommended } = await evaluate(...options);
    expect(points.map(({ strategy, nprobes, refineFactor }) => [strategy, nprobes, refineFactor])).toEqual([
      ['exact', undefined, undefined],
      ['scan', 1, undefined],
      ['scan', 4, undefined],
      ...[1, 4].flatMap((nprobes) => [1, 10].map((refineFactor) => ['ann', nprobes, refineFactor])),
    ]);
    const wanted = trueTargets(5);
    for (const { strategy, nprobes, refineFactor, recall } of points) {
      const inputs: string[] = [];
      for (const bucket of ['bucket_00001', 'bucket_00002']) {
        const settings = ['--search', strategy, ...(nprobes ? ['--nprobes', `${nprobes}`] : [])];
        if (refineFactor !== undefined) settings.push('--refine-factor', `${refineFactor}`);
        inputs.push(at(`${bucket}.parquet`));
        const named = ['--bucket', bucket, '--database', database, '--queries', at('queries.h5'), '--k', '5'];
        await runHere(['search-bucket', ...named, ...settings, '--output', inputs.at(-1)!]);
      }
      await runHere(['merge-hits', '--input', ...inputs, '--k', '5', '--output', at('neighbours.parquet')]);
      const found = await readHitRows(at('neighbours.parquet'));
      const shares = [...wanted].map(([query, targets]) => {
        const own = found.filter((hit) => hit.query === query && targets.has(hit.target));
        return own.length / targets.size;
      });
      const { low, ...expected } = estimateRecall(shares);
      expect(recall).toEqual({ ...expected, low: strategy === 'exact' ? 1 : low });
    }
    expect(points[0]!.recall.mean).toBe(1);
    // More probes, and more candidates, find no less.
    const recallOf = (strategy: string, nprobes: number, refineFactor?: number) =>
      points.find((p) => p.strategy === strategy && p.nprobes === nprobes && p.refineFactor === refineFactor)!.recall
        .mean;
    expect(recallOf('scan', 4)).toBeGreaterThan(recallOf('scan', 1));
    expect(recallOf('ann', 4, 10)).toBeGreaterThan(recallOf('ann', 1, 10));
    const best = points[recommended!]!;
    expect(best.recall.low).toBeGreaterThanOrEqual(0.95);
    for (const point of points.filter(({ recall }) => recall.low >= 0.95))
      expect(point.secondsPerQuery).toBeGreaterThanOrEqual(best.secondsPerQuery);
  });

  it('reads fewer bytes for fewer probes, and all vectors for exact', async () => {
    const { points } = await evaluate('--sample', '3', '--k', '3', '--nprobes', '1,8', '--refine-factor', '1');
    const [exact, one, eight, annOne, annEight] = points.map(({ bytesRead }) => bytesRead);
    expect(exact).toBe(4 * ROWS * DIMENSION);
    expect(one!).toBeLessThan(eight!);
    expect(eight!).toBeLessThanOrEqual(exact!);
    expect(annOne!).toBeLessThan(annEight!);
    expect(annOne!).toBeLessThan(one!);
    // `ann` also fetches the index.
    expect(points[3]!.bytesFetched).toBeGreaterThan(points[0]!.bytesFetched);
  });

  it('draws the same rows of the database in every run, and does not count their own hits', async () => {
    const options = ['--sample', '25', '--k', '4', '--strategies', 'scan', '--nprobes', '2'];
    const [first, second] = [await evaluate(...options), await evaluate(...options)];
    expect(first).toMatchObject({ queries: 25, excludesSelf: true, k: 4 });
    expect(first.points[0]!.recall).toEqual(second.points[0]!.recall);
    const own = await evaluate(...options.with(3, '1'));
    // With its own hit, which any search finds, k = 1 would have a recall of 1.
    expect(own.points[0]!.recall.mean).toBeLessThan(1);
  });

  it('writes the evaluation, a page and a drawing, and records the recall in the database', async () => {
    const named = ['--sample', '10', '--strategies', 'exact,ann', '--nprobes', '2,8'];
    const result = await evaluate(...named, '--output', at('evaluation.json'), '--plot', at('evaluation.html'));
    const { rows: _, bytes: __, ...document } = result as Evaluation & { rows: number; bytes: number };
    expect(JSON.parse(await readFile(at('evaluation.json'), 'utf8'))).toEqual(document);
    expect(Object.keys(document.buckets)).toEqual(['bucket_00001', 'bucket_00002']);
    const page = await readFile(at('evaluation.html'), 'utf8');
    expect(page).toContain('<svg');
    expect(page).toContain('>recommended<');
    expect(page.match(/<tr><td>(ann|exact)/g)).toHaveLength(document.points.length);
    const best = document.points[document.recommended!]!;
    const last = JSON.parse(await readFile(join(database, '_evaluations/latest.json'), 'utf8'));
    expect(last).toMatchObject({
      format: 1,
      k: 10,
      strategy: best.strategy,
      recall: best.recall,
      buckets: document.buckets,
    });
    await evaluate(...named, '--plot', at('evaluation.svg'));
    expect(await readFile(at('evaluation.svg'), 'utf8')).toMatch(/^<svg[^>]* xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    await runHere(['verify', '--database', database]);
  });

  it('records the recall of chosen buckets only where that of more buckets is not known', async () => {
    const record = join(database, '_evaluations/latest.json');
    const recorded = async () => Object.keys(JSON.parse(await readFile(record, 'utf8')).buckets);
    const quick = ['--sample', '3', '--strategies', 'exact'];
    await rm(record, { force: true });
    await evaluate(...quick, '--buckets', 'bucket_00002');
    expect(await recorded()).toEqual(['bucket_00002']);
    await evaluate(...quick);
    expect(await recorded()).toEqual(['bucket_00001', 'bucket_00002']);
    await evaluate(...quick, '--buckets', 'bucket_00001');
    expect(await recorded()).toEqual(['bucket_00001', 'bucket_00002']);
    // Buckets that changed since do not count.
    const last = JSON.parse(await readFile(record, 'utf8'));
    await writeFile(record, JSON.stringify({ ...last, buckets: { bucket_00001: 'other', bucket_00002: 'other' } }));
    await evaluate(...quick, '--buckets', 'bucket_00001');
    expect(await recorded()).toEqual(['bucket_00001']);
    // One that cannot be read is replaced.
    await writeFile(record, '{');
    await evaluate(...quick, '--buckets', 'bucket_00002');
    expect(await recorded()).toEqual(['bucket_00002']);
  });

  it('recommends nothing where no interval begins at the wanted recall', async () => {
    const { recommended } = await evaluate(
      '--sample',
      '20',
      '--strategies',
      'scan',
      '--nprobes',
      '1',
      '--target-recall',
      '1',
    );
    expect(recommended).toBeUndefined();
  });

  it('searches a bucket without index and order exactly, as search-bucket does', async () => {
    const plain = await sharedFolder();
    const shard = await writeShard(join(plain, 'few.h5'), sliceRows(rows, 0, 100));
    const built = await buildDatabase(plain, [shard]);
    const { points } = (await runHere(['evaluate', '--database', built.database, '--json'])) as unknown as Evaluation;
    expect(points.map(({ strategy }) => strategy)).toEqual(['exact']);
    await expectRefusalHere(
      ['evaluate', '--database', built.database, '--strategies', 'ann,scan'],
      64,
      /No bucket can be searched by ann or scan/,
    );
  });

  it.each<[string[], number, RegExp]>([
    [['--nprobes', '10,x'], 64, /--nprobes 10,x: write whole numbers from 1, with commas between/],
    [['--nprobes', '0'], 64, /whole numbers from 1/],
    [['--refine-factor', '-1'], 64, /whole numbers from 0/],
    [['--strategies', 'ann,brute'], 64, /--strategies ann,brute: write ann or scan or exact/],
    [['--target-recall', '1.5'], 64, /--target-recall must be above 0 and at most 1/],
    [['--sample', '0'], 64, /--sample must be a whole number from 1/],
    [['--sample', '100000', '--k', '1000'], 64, /Reduce --sample, --k, --nprobes or --refine-factor/],
    [['--k', '1000000', '--nprobes', LISTED, '--refine-factor', LISTED], 64, /Reduce --sample, --k, --nprobes/],
    [['--plot', 'x.png'], 64, /must end in \.html or \.svg/],
    [['--plot', 'x.html', '--output', './x.html'], 64, /name the same file/],
    [['--buckets', 'bucket_00009'], 65, /no bucket bucket_00009/],
  ])('refuses %j', async (options, code, message) => {
    await expectRefusalHere(['evaluate', '--database', database, ...options], code, message);
  });

  it('names a damaged table from which it draws queries', async () => {
    const damaged = at('damaged');
    await cp(database, damaged, { recursive: true });
    const data = join(damaged, 'bucket_00002.lance/data');
    for (const name of await readdir(data)) await truncate(join(data, name), 1000);
    await expectRefusalHere(['evaluate', '--database', damaged], 65, /bucket_00002.* damaged/);
  });

  it('refuses a database that does not exist, and creates nothing there', async () => {
    await expectRefusalHere(['evaluate', '--database', at('none')], 65, /does not exist|no such/i);
    expect(existsSync(at('none'))).toBe(false);
    await rm(at('none'), { recursive: true, force: true });
  });
});
