import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataError, toUserError, UsageError } from '../../workers/src/base/errors.ts';
import { command } from '../../workers/src/commands/results/render-report.ts';
import { type ExtraField, extraFrom } from '../../workers/src/hits/extra-column.ts';
import { alignMetadata } from '../../workers/src/hits/neighbours-origin.ts';
import { createHits } from '../../workers/src/hits/parquet/hits-writer.ts';
import { createNeighbours } from '../../workers/src/hits/parquet/neighbours-writer.ts';
import { parseOutcome } from '../../workers/src/run/outcome.ts';
import { runHere } from '../support/command.ts';
import { type Hit, naiveMerge, packedHits } from '../support/hits.ts';
import { lanceflowJson, temporaryFolder } from '../support/run.ts';

const context = { progress: () => ({ add() {}, stop() {} }), log() {}, warn() {} };
const render = (neighbours: string, reports: string[], output: string, outcome?: string) =>
  command.run(
    { _: [], $0: '', neighbours, reports, output, outcome, json: false, quiet: false } as unknown as Parameters<
      typeof command.run
    >[0],
    context,
  );

async function writeNeighbours(path: string, hits: readonly Hit[]) {
  const rows = naiveMerge(hits, 10);
  const writer = await createNeighbours(path, 'zstd');
  await writer.append({ ...packedHits(rows), ranks: Int32Array.from(rows, ({ rank }) => rank) });
  await writer.finish();
}

const HOSTILE = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onload='x", '</td></table>', '&lt;'];
const HITS: Hit[] = Array.from({ length: 100 }, (_, i) => ({
  query: HOSTILE[i % 5]!,
  target: `${HOSTILE[(i + 1) % 5]}${i}`,
  distance: Math.fround(i / 100),
  bucket: HOSTILE[i % 3]!,
}));

describe('render-report', () => {
  it('writes one page that requests nothing and escapes ids', async () => {
    const folder = await temporaryFolder();
    const path = (name: string) => join(folder, name);
    await writeNeighbours(path('n.parquet'), HITS);
    const search = { command: 'search-bucket', bucket: HOSTILE[0], mode: HOSTILE[1], queries: 6, k: 10, nprobes: 20 };
    await writeFile(path('a.json'), JSON.stringify({ ...search, seconds: 2, rows: 1, recall: { mean: 0.971 } }));
    await writeFile(path('b.json'), JSON.stringify({ command: HOSTILE[3], rows: 3, unknown: ['many'] }));
    const recall = { mean: 0.9412, low: 0.93, high: 0.951, queries: 200 };
    await writeFile(path('c.json'), JSON.stringify({ command: 'merge-hits', recall }));
    const report = await lanceflowJson(
      [
        'render-report',
        '--neighbours',
        path('n.parquet'),
        '--reports',
        path('a.json'),
        path('b.json'),
        path('c.json'),
      ].concat(...['--output', path('report.html'), '--outcome', path('outcome.json')]),
    );
    const page = await readFile(path('report.html'), 'utf8');
    const { stages } = parseOutcome(await readFile(path('outcome.json'), 'utf8'), 'outcome.json');
    expect(stages.map(({ command, rows, queries }) => [command, rows, queries])).toEqual([
      ['search-bucket', 1, 6],
      ['merge-hits', 0, undefined],
      [HOSTILE[3], 3, undefined],
    ]);
    expect(report).toMatchObject({ command: 'render-report', rows: 50, queries: 5, bytes: Buffer.byteLength(page) });
    for (const text of HOSTILE.slice(0, 4)) expect(page).not.toContain(text);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).toContain('&amp;lt;');
    // Only the page's own tags, nothing that a browser would fetch, and no script but the page's own, which its policy names.
    const tags = [...page.matchAll(/<([a-z0-9]+)/gi)].map(([, tag]) => tag!);
    expect(tags.filter((tag) => /^(script|img|link|iframe|object|a|form|base)$/i.test(tag))).toEqual(['script']);
    const [, script] = /<script>(.*)<\/script>/s.exec(page)!;
    expect(page).toContain(`script-src 'sha256-${createHash('sha256').update(script!).digest('base64')}'`);
    expect(page.replace(script!, '')).not.toMatch(/<[^>]*\s(src|href|on[a-z]+)=/i);
    expect(page).not.toMatch(/https?:|@import|url\(/);
    for (const text of [
      '50',
      '1 without a neighbour',
      'nprobes 20',
      '0.971',
      'Recall@10',
      '0.941',
      '0.930 to 0.951',
      'Rank 10',
      'prefers-color-scheme',
    ])
      expect(page).toContain(text);
  });

  it('shows estimated and measured times, the other strategies, and buckets without hits', async () => {
    const folder = await temporaryFolder();
    const path = (name: string) => join(folder, name);
    await writeNeighbours(path('n.parquet'), HITS);
    const estimates = [
      { strategy: 'scan', seconds: 2.5 },
      { strategy: 'ann', seconds: 40 },
    ];
    const search = { command: 'search-bucket', queries: 40, mode: 'scan', nprobes: 7, estimates, searchSeconds: 5 };
    const names: string[] = [];
    for (const [i, bucket] of ['bucket_00001', 'bucket_00001', 'bucket_00002'].entries()) {
      names.push(path(`${i}.json`));
      const table = { bucket, bucketRows: 1200, metric: 'l2', model: HOSTILE[0] };
      await writeFile(names[i]!, JSON.stringify({ ...search, ...table }));
    }
    await render(path('n.parquet'), names, path('report.html'));
    const page = await readFile(path('report.html'), 'utf8');
    // Two ranges of 40 queries each; 5 queries have neighbours.
    expect(page).toContain('75 without a neighbour');
    expect(page).toContain('2,400 vectors<small>distance: l2; model: &lt;script&gt;');
    expect(page).toMatch(/bucket_00002<\/bdi><\/td><td class="number">0<\/td>/);
    expect(page).toMatch(/scan<small>nprobes 7<\/small>.*2\.5 s.*5\.0 s.*ann 40\.0 s/);
    // Half the measured time.
    expect(page).toMatch(/class="pale" x="0" y="0" width="50".*class="bar" x="0" y="5" width="100"/);
    expect(page).not.toContain('#Recall');
  });

  it('shows warnings first, each once, as text', async () => {
    const folder = await temporaryFolder();
    const path = (name: string) => join(folder, name);
    await writeNeighbours(path('n.parquet'), HITS);
    const names: string[] = [];
    const write = async (report: object) => {
      names.push(path(`${names.length}.json`));
      await writeFile(names.at(-1)!, JSON.stringify(report));
    };
    await write({ command: 'ingest-bucket', bucket: 'bucket_00001', warnings: [`bucket_00001: ${HOSTILE[0]}`] });
    for (const bucket of ['bucket_00001', 'bucket_00002', 'bucket_00002'])
      await write({ command: 'search-bucket', bucket, warnings: ['one is odd\u202e'] });
    await render(path('n.parquet'), names, path('report.html'));
    const page = await readFile(path('report.html'), 'utf8');
    const items = [...page.matchAll(/<li dir="auto">(.*)<\/li>/g)].map(([, text]) => text);
    expect(items).toEqual([
      'bucket_00001: &lt;script&gt;alert(1)&lt;/script&gt;.',
      'bucket_00001: one is odd\\u202e.',
      'bucket_00002: one is odd\\u202e.',
    ]);
    expect(page.indexOf('<h2>Warnings')).toBeLessThan(page.indexOf('<dl class="facts">'));

    for (let i = 0; i < 150; i++) await write({ command: 'ingest-bucket', bucket: `b${i}`, warnings: ['odd'] });
    await render(path('n.parquet'), names, path('report.html'));
    const long = await readFile(path('report.html'), 'utf8');
    expect([...long.matchAll(/<li /g)]).toHaveLength(100);
    expect(long).toContain('53 more are in');
    await render(path('n.parquet'), [], path('report.html'));
    expect(await readFile(path('report.html'), 'utf8')).not.toContain('Warnings');
  });

  it('calls no neighbour the nearest where alignments rank them', async () => {
    const folder = await temporaryFolder();
    const path = (name: string) => join(folder, name);
    const query = (at: number) => `q${String(at).padStart(2, '0')}`;
    const rows = Array.from({ length: 50 }, (_, i) => ({ query: query(i >> 1), target: `t${i}`, bucket: 'b' }));
    const distances = rows.map((_, i) => (i % 2 === 0 ? 0.5 : 0.25));
    const hits = packedHits(rows.map((row, i) => ({ ...row, distance: distances[i]! })));
    const aligned = alignMetadata({ candidates: 2, rank: 'alignment', databaseResidues: 9, assumedRows: 0 });
    const writer = await createNeighbours(path('n.parquet'), 'zstd', aligned);
    await writer.append({ ...hits, ranks: Int32Array.from(rows, (_, i) => (i % 2) + 1) });
    await writer.finish();
    const search = { command: 'search-bucket', bucket: 'b', background: { from: 0, to: 1, counts: [1, 5, 4] } };
    await writeFile(path('search.json'), JSON.stringify(search));
    await render(path('n.parquet'), [path('search.json')], path('report.html'));
    const page = await readFile(path('report.html'), 'utf8');
    expect(page).toContain('<h1>Neighbours ranked by alignment</h1>');
    expect(page).toContain('Alignments rank the neighbours, so a later one may be nearer.');
    // Every query gets its nearest neighbours also where alignments order them.
    const texts = page.replaceAll('every query gets its nearest neighbours', '').replace(/<style>.*?<\/style>/s, '');
    expect(texts).not.toMatch(/nearest/i);
  });

  it('says how many queries have no significant neighbour, and shows the distances of unrelated proteins', async () => {
    const folder = await temporaryFolder();
    const path = (name: string) => join(folder, name);
    const rows = naiveMerge(HITS, 1);
    const fields: ExtraField[] = [{ name: 'evalue', type: 'float32' }];
    const writer = await createNeighbours(path('n.parquet'), 'zstd', {}, fields);
    const extra = [extraFrom('float32', [1e-5, 0.02, 0.2, null, 2])];
    await writer.append({ ...packedHits(rows), ranks: Int32Array.from(rows, ({ rank }) => rank), extra });
    await writer.finish();
    const background = { from: 0.5, to: 1.5, counts: [1, 5, 4] };
    const search = { command: 'search-bucket', bucket: 'b', bucketRows: 10, queries: 8, background };
    await writeFile(path('search.json'), JSON.stringify(search));
    const lost = { query: '<i>lost</i>', target: 't', bucket: 'b', distance: 0.7, evalue: 3 };
    const merge = { command: 'merge-hits', maxEvalue: 0.1, droppedQueries: { count: 2, first: [lost] } };
    await writeFile(path('merge.json'), JSON.stringify(merge));
    const pageOf = async (reports: string[]) => {
      await render(path('n.parquet'), reports.map(path), path('report.html'));
      return readFile(path('report.html'), 'utf8');
    };

    const page = await pageOf(['search.json']);
    expect(page).toContain('7 of 8<small>queries without an E-value of at most 0.01</small>');
    expect(page).toContain('7 of 8 queries (87.5%) have no significant neighbour');
    expect(page).toMatch(/<svg[^>]*aria-label="Nearest neighbours and unrelated proteins\. Bars: .*Line: /);
    expect(page).toMatch(/#?E-value.*<td class="number">0\.02<\/td>/s);
    const limited = await pageOf(['search.json', 'merge.json']);
    expect(limited).toContain('6 of 8 queries (75.0%) have no significant neighbour');
    expect(limited).toContain('left without neighbours are not in the chart.');
    expect(limited).toContain('--max_evalue left 2 of them without neighbours.');
    expect(limited).toContain(
      '&lt;i&gt;lost&lt;/i&gt;</bdi></td><td><bdi>t</bdi></td><td class="number">0.7</td><td class="number">3</td><td class="number"></td><td class="number">0</td>',
    );

    // Databases of earlier versions have no E-values.
    await writeNeighbours(path('n.parquet'), HITS);
    await writeFile(path('search.json'), JSON.stringify({ ...search, background: undefined }));
    const old = await pageOf(['search.json']);
    expect(old).toContain('unknown<small>the neighbours have no E-values</small>');
    expect(old).toContain('Run index-bucket again for it, then search again.');
    expect(old).not.toContain('unrelated proteins.');
  });

  it('has no chart of distances that are all infinite', async () => {
    const folder = await temporaryFolder();
    const path = (name: string) => join(folder, name);
    const hits = ['p', 'q'].flatMap((query, i) => [
      { query, target: 'near', distance: i, bucket: 'b' },
      { query, target: 'far', distance: Number.POSITIVE_INFINITY, bucket: 'b' },
    ]);
    await writeNeighbours(path('n.parquet'), hits);
    await render(path('n.parquet'), [], path('report.html'));
    const page = await readFile(path('report.html'), 'utf8');
    expect(page).toContain('<h3>Rank 2</h3><p class="note">No distances.</p>');
    expect(page).not.toMatch(/="(NaN|Infinity)"/);
  });

  it('has the same size for any number of queries', async () => {
    const folder = await temporaryFolder();
    const sizes: number[] = [];
    for (const queries of [2000, 20_000]) {
      const hits = Array.from({ length: queries }, (_, i) => ({
        ...{ query: `q${String(i).padStart(6, '0')}`, target: 't', bucket: `b${i % 500}` },
        distance: Math.fround((i % 997) / 997),
      }));
      await writeNeighbours(join(folder, 'n.parquet'), hits);
      sizes.push((await render(join(folder, 'n.parquet'), [], join(folder, 'report.html'))).bytes);
    }
    expect(sizes[1]! / sizes[0]!).toBeLessThan(1.05);
    expect(sizes[1]).toBeLessThan(300_000);
  });

  it('writes the same page for the same input', async () => {
    const folder = await temporaryFolder();
    await writeNeighbours(join(folder, 'n.parquet'), HITS);
    await render(join(folder, 'n.parquet'), [], join(folder, 'a.html'));
    await render(join(folder, 'n.parquet'), [], join(folder, 'b.html'));
    expect(await readFile(join(folder, 'a.html'), 'utf8')).toBe(await readFile(join(folder, 'b.html'), 'utf8'));
  });

  it('renders a campaign without hits', async () => {
    const folder = await temporaryFolder();
    await writeNeighbours(join(folder, 'n.parquet'), []);
    const output = join(folder, 'report.html');
    expect(await render(join(folder, 'n.parquet'), [], output)).toMatchObject({ rows: 0, queries: 0 });
    const page = await readFile(output, 'utf8');
    expect(page).toContain('No query has a neighbour.');
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('reports wrong input and leaves no file', async () => {
    const folder = await temporaryFolder();
    const path = (name: string) => join(folder, name);
    await writeNeighbours(path('n.parquet'), HITS);
    await writeFile(path('text.json'), 'Merging: 10%');
    await writeFile(path('list.json'), '[]');
    const unsorted = await createHits(path('hits.parquet'));
    await unsorted.append({ ...packedHits([...HITS].reverse()), bucket: 'b' });
    await unsorted.finish();
    const before = await readdir(folder);
    const cases: [string, string[], RegExp][] = [
      ['none.parquet', [], /No such file.*none\.parquet/],
      ['text.json', [], /text\.json: this is not a Parquet file/],
      ['hits.parquet', [], /hits\.parquet: row \d+ is out of order/],
      ['n.parquet', ['none.json'], /No such file.*none\.json/],
      ['n.parquet', ['text.json'], /text\.json: this is not JSON/],
      ['n.parquet', ['list.json'], /list\.json: this is not a worker's report/],
    ];
    for (const [neighbours, reports, message] of cases) {
      const run = render(path(neighbours), reports.map(path), path('report.html')).catch(toUserError);
      const error = await run;
      expect(error).toBeInstanceOf(DataError);
      expect((error as Error).message).toMatch(message);
    }
    await expect(render(path('n.parquet'), [], path('n.parquet'))).rejects.toBeInstanceOf(UsageError);
    for (const other of ['n.parquet', 'report.html'])
      await expect(render(path('n.parquet'), [], path('report.html'), path(other))).rejects.toBeInstanceOf(UsageError);
    expect(await readdir(folder)).toEqual(before);
  });

  it('shows descriptions as text, alignments and E-values of the first queries, and links to the targets', async () => {
    const folder = await temporaryFolder();
    const path = (name: string) => join(folder, name);
    const targets = ['sp|P69905|HBA_HUMAN', 'WP_000123456.1', 'my "own" <id>'];
    const rows = targets.map((target, i) => ({
      query: 'q<b>',
      target,
      distance: [0.1, 0.3, 0.2][i]!,
      bucket: 'b',
      rank: i + 1,
    }));
    const fields: ExtraField[] = [
      { name: 'evalue', type: 'float64' },
      { name: 'identity', type: 'float32' },
      { name: 'alignment_evalue', type: 'float64' },
      { name: 'description', type: 'utf8' },
      { name: 'taxon', type: 'int64' },
    ];
    const values = [
      [1.234e-20, 0.5, null],
      [0.423, null, 1],
      [3e-5, null, 2.5],
      [HOSTILE[0]!, '=HYPERLINK("http://evil.example")', null],
      [9606n, null, 1n],
    ];
    // Ranks may follow alignments instead of distances.
    const aligned = { 'lanceflow.align': JSON.stringify({ candidates: 3, rank: 'alignment' }) };
    const writer = await createNeighbours(path('n.parquet'), 'none', aligned, fields);
    const extra = fields.map(({ type }, i) => extraFrom(type, values[i]!));
    await writer.append({ ...packedHits(rows), ranks: Int32Array.from(rows, ({ rank }) => rank), extra });
    await writer.finish();
    await render(path('n.parquet'), [], path('report.html'));
    const page = await readFile(path('report.html'), 'utf8');
    expect(page).not.toContain(HOSTILE[0]);
    expect(page).toContain('<small class="text"><bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi></small>');
    expect(page).toContain('=HYPERLINK(&quot;http://evil.example&quot;)');
    expect(page).toMatch(/E-value<.*Identity<.*Alignment E-value<.*Bucket</s);
    for (const cell of ['1.2e-20', '42.3%', '3.0e-5', '2.5']) expect(page).toContain(`<td class="number">${cell}</td>`);
    expect(page).not.toContain('9606');
    const links = (text: string) => new Set([...text.matchAll(/<a href="([^"]*)"/g)].map(([, address]) => address));
    expect(links(page)).toEqual(
      new Set([
        'https://www.uniprot.org/uniprotkb/P69905/entry',
        'https://www.ncbi.nlm.nih.gov/protein/WP_000123456.1',
      ]),
    );

    await writeFile(path('search.json'), JSON.stringify({ command: 'search-bucket', bucket: 'b', queries: 1, k: 300 }));
    await writeFile(path('align.json'), JSON.stringify({ command: 'align-neighbours', rows: 3 }));
    await render(path('n.parquet'), [path('search.json'), path('align.json')], path('kept.html'));
    const kept = await readFile(path('kept.html'), 'utf8');
    expect(kept).toContain('up to 3 per query');
    expect(kept).toContain('Recall@300');

    const output = path('linked.html');
    await runHere([
      'render-report',
      '--neighbours',
      path('n.parquet'),
      '--output',
      output,
      '--link-template',
      'https://x.org/?p={id}&a=1',
    ]);
    expect(links(await readFile(output, 'utf8'))).toEqual(
      new Set(targets.map((target) => `https://x.org/?p=${encodeURIComponent(target)}&amp;a=1`)),
    );
  });
});
