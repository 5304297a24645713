import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CatalogEntry, fingerprint } from '../../../workers/src/database/catalog/catalog-entry.ts';
import { Database } from '../../../workers/src/database/database.ts';
import type { Advice } from '../../../workers/src/upkeep/overview/advise.ts';
import type { CatalogSummary } from '../../../workers/src/upkeep/overview/summarize-catalog.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import { expectRefusalHere } from '../../support/refusal.ts';
import { lanceflow, sharedFolder } from '../../support/run.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const MODEL = { model: 'esm', model_hash: 'abc' };
const ROWS = 300;

let folder = '';
let database = '';
let rows: Rows;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await sharedFolder();
  rows = randomRows(3, 3 * ROWS, 16);
  for (let part = 0; part < 3; part++) {
    const shard = await writeShard(at(`part${part}.h5`), sliceRows(rows, part * ROWS, (part + 1) * ROWS), MODEL);
    ({ database } = await buildDatabase(folder, [shard], { index: ['--index', 'ivf-rq'] }));
  }
});

interface Catalog {
  overview: CatalogSummary & { advice: Advice[] };
  entries: CatalogEntry[];
  buckets: number;
}
const catalog = (...options: string[]) =>
  runHere(['catalog', '--database', database, '--json', ...options]) as unknown as Promise<Catalog>;
const actionsOf = ({ overview }: Catalog) => overview.advice.map(({ action }) => action);

describe('catalog', () => {
  it('advises what helps: after the commands that it prints, nothing is left to do', async () => {
    await writeFile(at('ids.txt'), rows.ids.slice(0, ROWS / 2).join('\n'));
    await runHere(['delete', '--database', database, '--ids', at('ids.txt')]);
    // As an entry of an earlier version.
    const opened = await Database.open(database);
    const { nullDistances: _, ...earlier } = await opened.requireEntry('bucket_00003');
    await opened.writeEntry({ ...earlier, fingerprint: fingerprint(earlier) });
    let current = await catalog('--bucket-size', '100000');
    expect(actionsOf(current)).toEqual(['compact', 'index-bucket', 'merge-buckets', 'evaluate']);
    const { overview, entries, buckets } = current;
    expect(buckets).toBe(3);
    expect(entries.map(({ rows }) => rows)).toEqual([ROWS / 2, ROWS, ROWS]);
    expect(overview).toMatchObject({
      deletedRows: ROWS / 2,
      fill: (2.5 * ROWS) / 3 / 100_000,
      indexes: { 'ivf-rq': 3 },
      models: { 'esm@abc': 3 },
      oldest: entries[0]!.created,
      newest: entries[2]!.created,
    });
    expect(overview.recall).toBeUndefined();
    expect(overview.advice.map(({ buckets }) => buckets)).toEqual([
      ['bucket_00001'],
      ['bucket_00003'],
      ['bucket_00001', 'bucket_00002', 'bucket_00003'],
      [],
    ]);
    while (current.overview.advice.length > 0) {
      const [first] = current.overview.advice;
      for (const line of first!.commands) {
        const [program, ...argv] = line.split(' ');
        expect(program).toBe('bin/lanceflow');
        await runHere(argv[0] === 'evaluate' ? [...argv, '--sample', '20'] : argv);
      }
      const next = await catalog('--bucket-size', '100000');
      expect(next.overview.advice.length).toBeLessThan(current.overview.advice.length);
      current = next;
    }
    expect(current.buckets).toBe(1);
    expect(current.entries[0]!.rows).toBe(2.5 * ROWS);
    expect(current.overview.recall).toMatchObject({ k: 10, queries: 20, sameBuckets: 1, changedBuckets: 0 });
  });

  it('shows the last recall, and that it is outdated once a bucket changed', async () => {
    await writeFile(at('one.txt'), `${rows.ids[ROWS + 1]}\n`);
    await runHere(['delete', '--database', database, '--ids', at('one.txt')]);
    const current = await catalog('--bucket-size', '1000');
    expect(current.overview.recall).toMatchObject({ sameBuckets: 0, changedBuckets: 1 });
    expect(actionsOf(current)).toEqual(['evaluate']);
    const { stdout, code } = await lanceflow(['catalog', '--database', database, '--bucket-size', '1000']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Vectors: +749 in 1 bucket, 1 deleted \(0\.1%\)$/m);
    expect(stdout).toMatch(/^Fill: +74\.9% on average of 1,000 vectors a bucket$/m);
    expect(stdout).toMatch(/^Index: +ivf-rq$/m);
    expect(stdout).toMatch(/^Recall@10: .* measured \d{4}-\d\d-\d\d; outdated: 1 bucket changed since$/m);
    expect(stdout).toMatch(
      /^- evaluate: 1 bucket changed since the recall was measured\.\n {4}bin\/lanceflow evaluate --database /m,
    );
  });

  it('warns of a recall that cannot be read, and shows the rest', async () => {
    const opened = await Database.open(database);
    await opened.writeFile('_evaluations/latest.json', '{"format":2}');
    const spoken = { lines: [] as string[] };
    const shown = await runHere(['catalog', '--database', database, '--json'], spoken);
    expect(spoken.lines).toEqual([expect.stringMatching(/latest\.json: format "2" is not that of this version/)]);
    expect(shown).toMatchObject({ buckets: 1 });
  });

  it('prints in the brief form what the pipeline reads, and nothing else', async () => {
    const { stdout } = await lanceflow(['catalog', '--database', database, '--brief', '--json']);
    const { entries, ...totals } = JSON.parse(stdout);
    expect(Object.keys(entries[0])).toEqual([
      ...['bucket', 'rows', 'bytes', 'fingerprint', 'model', 'revisionOf', 'hasNullDistances'],
    ]);
    expect(Object.keys(totals)).toEqual(
      expect.arrayContaining(['command', 'rows', 'bytes', 'buckets', 'seconds', 'cpuSeconds', 'peakMemoryBytes']),
    );
    expect(totals).not.toHaveProperty('overview');
  });

  it('refuses a bucket size that is no whole number', async () => {
    await expectRefusalHere(['catalog', '--database', database, '--bucket-size', '0.5'], 64, /--bucket-size must be/);
  });
});
