import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../workers/src/base/random.ts';
import type { LabelEvaluation } from '../../../workers/src/evaluate/labels/evaluate-labels.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import { expectRefusalHere } from '../../support/refusal.ts';
import { missingPython, python, sharedFolder } from '../../support/run.ts';
import { type Rows, randomRows, writeShard } from '../../support/shards.ts';

const ROWS = 1500;
const DIMENSION = 16;
const FAMILIES = 30;
const K = 60;

/** The figures by plain loops over all pairs in float64: [mean, by family] of the settings. */
const BRUTE_FORCE = `
import csv, json, sys, h5py, numpy as np
shard, labels_path, k = sys.argv[1], sys.argv[2], int(sys.argv[3])
with h5py.File(shard) as f:
    vectors = f['embedding'][:].astype(np.float64)
    ids = [i.decode() if isinstance(i, bytes) else i for i in f['id'][:]]
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
known, labels = set(ids), {}
with open(labels_path, encoding='utf-8-sig', newline='') as f:
    for row in csv.DictReader(f):
        if row['id'] in known and row['label'].strip():
            labels.setdefault(row['id'], set()).add(row['label'].strip())
members = {}
for i, own in labels.items():
    for label in own: members.setdefault(label, set()).add(i)
mean, families = [], {}
for q, query in enumerate(ids):
    own = {l for l in labels.get(query, ()) if len(members[l]) > 1}
    if not own: continue
    wanted = set().union(*(members[l] for l in own)) - {query}
    order = [ids[t] for t in np.argsort(-(vectors @ vectors[q]), kind='stable') if t != q][:k]
    true = [bool(labels[t] & own) for t in order if t in labels]
    first = true.index(False) if False in true else len(true)
    figures = [first / len(wanted), sum(true) / len(true) if true else 0.0, sum(true) / len(wanted)]
    mean.append(figures)
    for l in own: families.setdefault(l, []).append(figures)
print(json.dumps([np.mean(mean, axis=0).tolist(), {l: np.mean(v, axis=0).tolist() for l, v in families.items()}, len(mean)]))`;

let folder = '';
let database = '';
let shard = '';
let rows: Rows;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await sharedFolder();
  rows = randomRows(4, ROWS, DIMENSION);
  const centres = randomRows(5, FAMILIES, DIMENSION);
  const random = seededRandom(6);
  const lines = ['comment,id,label'];
  for (let row = 0; row < ROWS; row++) {
    const family = Math.floor(random() * FAMILIES);
    for (let i = 0; i < DIMENSION; i++) {
      const at = row * DIMENSION + i;
      rows.vectors[at] = centres.vectors[family * DIMENSION + i]! + 0.5 * rows.vectors[at]!;
    }
    // A third has no label, some have two, and some one that nothing else has.
    if (row % 3 === 0) continue;
    lines.push(`"a, b",p${row},"Family ${family}, ""${family}"""`);
    if (row % 10 === 1) lines.push(`,p${row},Fold ${family % 5}`);
    if (row % 50 === 2) lines.push(`x,p${row},alone ${row}`);
    // Repeated rows, and rows without a label.
    if (row % 100 === 4) lines.push(`,p${row},"Family ${family}, ""${family}"""`, `,p${row},`);
  }
  lines.push('', 'x,absent 1,Fold 1', 'x,absent 2,Fold 1', 'x,,Fold 1');
  await writeFile(at('families.csv'), `\uFEFF${lines.join('\r\n')}\r\n`);
  shard = await writeShard(at('rows.h5'), rows);
  ({ database } = await buildDatabase(folder, [shard], { bucketSize: 1100, index: ['--index', 'ivf-rq'] }));
});

const evaluate = (labels: string, ...options: string[]) =>
  runHere([
    'evaluate',
    '--database',
    database,
    '--json',
    '--labels',
    labels,
    ...options,
  ]) as unknown as Promise<LabelEvaluation>;

describe.skipIf(missingPython())('evaluate --labels', () => {
  it('agrees with brute force by numpy, over all queries and for each family', async () => {
    const { searches, queries, missingIds } = await evaluate(
      at('families.csv'),
      '--k',
      `${K}`,
      '--strategies',
      'exact',
    );
    const [mean, families, count] = (await python(BRUTE_FORCE, shard, at('families.csv'), `${K}`)) as [
      number[],
      Record<string, number[]>,
      number,
    ];
    const [exact] = searches as [LabelEvaluation['searches'][number]];
    expect(queries).toBe(count);
    expect(missingIds).toBe(2);
    const { sensitivity, precision, recall, ofFamilies } = exact;
    for (const [i, figure] of [sensitivity, precision, recall].entries()) {
      expect(figure.mean).toBeCloseTo(mean[i]!, 10);
      expect(figure.low).toBeLessThan(figure.mean);
      expect(figure.queries).toBe(count);
    }
    expect(exact.families.map(({ label }) => label)).toEqual(Object.keys(families).sort());
    for (const family of exact.families)
      for (const [i, figure] of (['sensitivity', 'precision', 'recall'] as const).entries())
        expect(family[figure], `${family.label} ${figure}`).toBeCloseTo(families[family.label]![i]!, 10);
    const all = Object.values(families);
    expect(ofFamilies.sensitivity).toBeCloseTo(all.reduce((sum, [value]) => sum + value!, 0) / all.length, 10);
    // The data are neither trivial nor hopeless.
    expect(sensitivity.mean).toBeGreaterThan(0.02);
    expect(sensitivity.mean).toBeLessThan(0.9);
  });
});

describe('evaluate --labels', () => {
  it('compares the index with exact answers by default, and warns once of each problem of the file', async () => {
    const spoken = { lines: [] as string[] };
    const argv = ['evaluate', '--database', database, '--labels', at('families.csv'), '--k', '30', '--sample', '40'];
    const result = await runHere([...argv, '--output', at('labels.json'), '--json'], spoken);
    const { rows: _, bytes: __, ...document } = result;
    expect(JSON.parse(await readFile(at('labels.json'), 'utf8'))).toEqual(document);
    const { searches, queries } = document as unknown as LabelEvaluation;
    expect(queries).toBe(40);
    expect(searches.map(({ strategy }) => strategy)).toEqual(['exact', 'ann']);
    const [exact, ann] = searches;
    expect(Math.abs(exact!.sensitivity.mean - ann!.sensitivity.mean)).toBeLessThan(0.1);
    expect(spoken.lines.filter((line) => line.includes('not in the database'))).toEqual([
      expect.stringMatching(/families\.csv: 2 of \d+ ids are not in the database .*: "absent 1", "absent 2"\.$/),
    ]);
    expect(spoken.lines.filter((line) => /\d+ rows without an id or a label are skipped/.test(line))).toHaveLength(1);
  });

  it('finds whole families where each is far from the others', async () => {
    // Two ids of one family, whose vectors are the nearest to each other.
    const [a, b] = ['p1', 'p2'];
    await writeFile(at('two.csv'), `id,label\n${a},x\n${b},x\n`);
    const { searches, queries } = await evaluate(at('two.csv'), '--k', `${ROWS}`, '--strategies', 'exact');
    expect(queries).toBe(2);
    // Nothing else has a label, so nothing is false.
    expect(searches[0]).toMatchObject({
      sensitivity: { mean: 1 },
      precision: { mean: 1 },
      recall: { mean: 1 },
      cutQueries: 0,
    });
    const short = await evaluate(at('two.csv'), '--k', '1', '--strategies', 'exact');
    expect(short.searches[0]!.cutQueries).toBe(short.searches[0]!.recall.mean === 1 ? 0 : 2);
  });

  it.each<[string, string, RegExp]>([
    ['name,family\np1,x\n', 'names.csv', /must name a column "id"; it has "name", "family"/],
    ['id,family\np1,x\n', 'family.csv', /must name a column "label"/],
    ['id,label,label\np1,x,y\n', 'twice.csv', /names two columns "label"/],
    ['', 'empty.csv', /must name a column "id"/],
    ['id,label\n,x\np1,\n', 'none.csv', /no row has an id and a label/],
    ['id,label\nq1,x\nq2,x\n', 'absent.csv', /none of its 2 ids is in the database .*: "q1", "q2"/],
    ['id,label\np1,x\np2,y\n', 'singles.csv', /no label has two ids in the database/],
  ])('refuses %j', async (text, name, message) => {
    await writeFile(at(name), text);
    await expectRefusalHere(['evaluate', '--database', database, '--labels', at(name)], 65, message);
  });

  it('refuses options that have no meaning with labels', async () => {
    const argv = ['evaluate', '--database', database, '--labels', at('families.csv')];
    await expectRefusalHere([...argv, '--queries', shard], 64, /--queries is not for --labels/);
    await expectRefusalHere([...argv, '--plot', at('x.svg')], 64, /--plot is not for --labels/);
    await expectRefusalHere([...argv, '--output', at('families.csv')], 64, /--output names a file of --labels/);
  });
});
