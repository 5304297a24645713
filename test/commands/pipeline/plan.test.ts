import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { LANCEFLOW_VERSION } from '../../../workers/src/app/version.ts';
import { PRICES } from '../../../workers/src/forecast/machines/price-table.ts';
import { parseRunPlan, type RunPlan } from '../../../workers/src/forecast/run-plan.ts';
import { outcomeText } from '../../../workers/src/run/outcome.ts';
import { buildDatabase } from '../../support/database.ts';
import { expectRefusalHere } from '../../support/refusal.ts';
import { lanceflow, lanceflowJson, sharedFolder } from '../../support/run.ts';
import { randomRows, writeShard } from '../../support/shards.ts';

let folder: string;
let at: (name: string) => string;
beforeAll(async () => {
  folder = await sharedFolder();
  at = (name) => join(folder, name);
  await writeFile(at('a.fasta'), '>one first\nMKTAYIAKQR\n>two\nMKLV\n');
  await writeShard(at('shard.h5'), randomRows(1, 3000, 32));
});
const plan = (...args: string[]) => lanceflowJson(['plan', ...args]) as unknown as Promise<RunPlan>;
const stageOf = ({ stages }: RunPlan, command: string) => stages.find((stage) => stage.command === command)!;

describe('plan', () => {
  it('writes the document that --json prints, and a table', async () => {
    const args = [
      'plan',
      '--input',
      at('a.fasta'),
      '--model',
      'kmer',
      '--database',
      at('new'),
      '--queries',
      at('a.fasta'),
    ];
    const { code, stdout } = await lanceflow([...args, '--output', at('plan.json')]);
    expect(code).toBe(0);
    const large = await plan('--rows', '1000000000000', '--dimension', '960');
    expect(large.notes!.join()).toMatch(/the run stores .*, and the disk of local has /);
    const document = parseRunPlan(await readFile(at('plan.json'), 'utf8'), 'plan.json');
    expect(document.stages.map(({ command, tasks }) => [command, tasks])).toEqual([
      ...[
        ['embed-sequences', 2],
        ['pack-buckets', 1],
        ['ingest-bucket', 1],
        ['index-bucket', 1],
      ],
      ...[
        ['search-bucket', 1],
        ['merge-hits', 1],
        ['render-report', 1],
      ],
    ]);
    for (const { command } of document.stages) expect(stdout).toContain(command);
    expect(await plan(...args.slice(1))).toMatchObject({
      ...document,
      stages: expect.anything(),
      machine: expect.anything(),
      total: expect.anything(),
    });
  });

  it('reads the buckets of the database, and learns their rates', async () => {
    const database = await buildDatabase(folder, [at('shard.h5')], { database: at('built') });
    expect(database).toBeDefined();
    const found = await plan('--database', at('built'), '--query-count', '100');
    expect(found.stages.map(({ command }) => command)).toEqual(['search-bucket', 'merge-hits', 'render-report']);
    expect(found.search!.strategy).toBe('exact');
    await expectRefusalHere(['plan', '--database', at('built'), '--queries', at('a.fasta')], 64, /FASTA needs a model/);
    await writeFile(at('built/_pending/bucket_00009.json'), '{}');
    const pending = await plan('--database', at('built'), '--query-count', '100');
    expect(pending.notes!.join()).toContain(
      'the plan is without 1 unfinished bucket of the database, such as bucket_00009',
    );
  });

  it('takes rates from the outcome of an earlier run', async () => {
    const figures = {
      tasks: 1,
      longestSeconds: 1,
      peakMemoryBytes: 0,
      bytes: 0,
      requests: 0,
      bytesSent: 0,
      bytesReceived: 0,
    };
    const stage = {
      command: 'ingest-bucket',
      settings: { dimension: 960 },
      state: 'done' as const,
      rows: 1e6,
      seconds: 500,
      cpuSeconds: 900,
    };
    await writeFile(
      at('outcome.json'),
      outcomeText({ format: 1, version: LANCEFLOW_VERSION, stages: [{ ...figures, ...stage }] }),
    );
    const args = ['--rows', '1000000', '--dimension', '960', '--bucket-size', '1000000'];
    const [plain, learned] = [await plan(...args), await plan(...args, '--outcome', at('outcome.json'))];
    expect(stageOf(learned, 'ingest-bucket').cpuHours.estimate).toBeCloseTo(900 / 3600, 3);
    expect(stageOf(plain, 'ingest-bucket').cpuHours.estimate).toBeLessThan(900 / 3600);
    expect(learned.rates.find(({ stage: name }) => name === 'ingest-bucket')).toEqual({
      ...{ stage: 'ingest-bucket', source: 'outcome', from: at('outcome.json') },
    });
    await writeFile(at('later.json'), '{"format": 2}');
    await expectRefusalHere(
      ['plan', ...args, '--outcome', at('later.json')],
      65,
      /later.json: this outcome has format 2/,
    );
  });

  it('refuses the outcome of another version', async () => {
    await writeFile(at('other.json'), outcomeText({ format: 1, version: '0.0.9', stages: [] }));
    await expectRefusalHere(
      ['plan', '--rows', '10', '--outcome', at('other.json')],
      65,
      /other.json: LanceFlow 0.0.9 wrote this outcome, and this is/,
    );
  });

  it('takes machines and prices from a file', async () => {
    const machine = { ...PRICES.machines[0]!, name: 'ours', cpus: 4, dollarsPerHour: 10 };
    await writeFile(at('prices.json'), JSON.stringify({ ...PRICES, date: '2026-01-02', machines: [machine] }));
    const args = ['plan', '--rows', '1000000', '--prices', at('prices.json'), '--machine'];
    expect((await lanceflowJson([...args, 'ours'])).machine).toMatchObject({
      name: 'ours',
      dollarsPerHour: 10,
      date: '2026-01-02',
    });
    await expectRefusalHere([...args, 'i4i.8xlarge'], 64, /unknown machine type.*Known: local, ours\./);
    const { dollarsPerHour: _, ...unpriced } = machine;
    await writeFile(at('prices.json'), JSON.stringify({ ...PRICES, machines: [unpriced] }));
    await expectRefusalHere([...args, 'ours'], 64, /have none of the machine ours/);
  });

  it.each([
    [['--rows', '-1'], /--rows must be a whole number from 1, not -1/],
    [['--rows', '1.5'], /--rows must be a whole number from 1, not 1.5/],
    [['--rows', '9007199254740993'], /--rows must be a whole number/],
    [['--query-count', '0'], /--query-count must be a whole number/],
    [['--rows', '10', '--shards', '11'], /--rows 10 is less than 11/],
    [['--rows', '10', '--residues', '9', '--model', 'kmer'], /--residues 9 is less than 10/],
    [['--rows', '10', '--goal', 'best'], /--goal best: unknown goal/],
    [['--rows', '10', '--goal', 'hours=0'], /--goal hours=0: unknown goal/],
    [['--query-count', '10', '--goal', 'cheapest'], /Queries need something to search|--goal compares/],
    [['--query-count', '10'], /Queries need something to search/],
    [['--residues', '1000'], /FASTA needs a model/],
    [[], /Nothing to plan/],
    [['--rows', '10', '--machine', 'z9'], /--machine z9: unknown machine type/],
    [['--rows', '10', '--machine', 'z9', '--price-api'], /--machine z9: unknown machine type/],
    [['--rows', '10', '--target-recall', '2'], /--target-recall must be above 0 and at most 1, not 2/],
    [['--rows', '10', '--refine-factor', '-1'], /--refine-factor must be a whole number from 0, not -1/],
  ])('refuses %j', async (args, message) => {
    await expectRefusalHere(['plan', ...args], 64, message);
  });
});
