import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { embeddedMetricsLine } from '../../../workers/src/app/monitoring/embedded-metrics.ts';
import { cloudFiguresOf, type Figures, metricsOf } from '../../../workers/src/app/monitoring/figures.ts';
import { openMetricsText } from '../../../workers/src/app/monitoring/open-metrics.ts';
import { lanceflow, missingPython, python, temporaryFolder } from '../../support/run.ts';

const RUNNING: Figures = {
  usage: { seconds: 12.5, cpuSeconds: 20, peakMemoryBytes: 2e8 },
  s3: { requests: 5, retries: 1, sentBytes: 10, receivedBytes: 2 ** 40 },
  progress: { label: 'searching "b"', done: 25, total: 100, unit: 'queries', perSecond: 2, etaSeconds: 37.5 },
  startedMs: 1.7e12,
  nowMs: 1.7e12 + 12_500,
  ...{ exitCode: undefined, rows: undefined, bytes: undefined },
};
const ENDED: Figures = { ...RUNNING, progress: undefined, exitCode: 65, rows: 7, bytes: 8 };

/** Parses texts by both of Prometheus's parsers. Prints [name, type, unit, labels, value] of each sample, and the names in the older format. */
const PARSE = `
import json, sys
from prometheus_client.openmetrics import parser
from prometheus_client import parser as classic
result = []
for text in json.load(open(sys.argv[1], encoding="utf8")):
    samples = [[s.name, f.type, f.unit, s.labels, s.value] for f in parser.text_string_to_metric_families(text) for s in f.samples]
    older = [s.name for f in classic.text_string_to_metric_families(text) for s in f.samples]
    result.append([samples, older])
print(json.dumps(result))`;

type Parsed = [samples: [string, string, string, Record<string, string>, number][], older: string[]];

async function parse(texts: readonly string[]): Promise<Parsed[]> {
  const file = join(await temporaryFolder(), 'texts.json');
  await writeFile(file, JSON.stringify(texts));
  return python(PARSE, file);
}

describe.skipIf(missingPython())("OpenMetrics text, by Prometheus's own parser", () => {
  test('has the values, with any labels', async () => {
    const labels = fc.sample(fc.record({ bucket: fc.string({ unit: 'binary' }) }), { numRuns: 100, seed: 1 });
    const hostile = [{ bucket: 'a"b\\c\nd' }, { bucket: '# EOF' }, { bucket: '' }, { bucket: '\ud800x' }, ...labels];
    const texts = hostile.map((own) => openMetricsText(metricsOf(RUNNING), { command: 'search-bucket', ...own }));
    for (const [i, [samples, older]] of (await parse(texts)).entries()) {
      expect(samples.map(([name]) => name)).toEqual(older);
      for (const [name, type, unit, found] of samples) {
        expect(type).toBe('gauge');
        if (unit !== '') expect(name.endsWith(`_${unit}`)).toBe(true);
        expect(found).toMatchObject({ command: 'search-bucket', bucket: hostile[i]!.bucket.toWellFormed() });
      }
      const values = Object.fromEntries(samples.map(([name, , , , value]) => [name, value]));
      expect(values).toMatchObject({
        lanceflow_progress_ratio: 0.25,
        lanceflow_progress_left_seconds: 37.5,
        lanceflow_s3_received_bytes: 2 ** 40,
        lanceflow_running: 1,
      });
      expect(values).not.toHaveProperty('lanceflow_exit_status');
    }
  });

  test('of a command that failed, and of one in a folder of many', async () => {
    const folder = await temporaryFolder();
    const metrics = join(folder, 'below/a.prom');
    expect((await lanceflow(['verify', '--database', 'absent', '--metrics', metrics], { cwd: folder })).code).toBe(65);
    const env = { ...process.env, LANCEFLOW_MONITORING: join(folder, 'all') };
    for (const _ of [1, 2])
      expect((await lanceflow(['catalog', '--database', 'absent', '--brief'], { cwd: folder, env })).code).toBe(0);
    const names = (await readdir(join(folder, 'all'))).filter((name) => name.endsWith('.prom'));
    expect(await readdir(join(folder, 'below'))).toEqual(['a.prom']);
    const paths = [metrics, ...names.map((name) => join(folder, 'all', name))];
    const [failed, ...listed] = await parse(await Promise.all(paths.map((path) => readFile(path, 'utf8'))));
    const valuesOf = (parsed: Parsed) => Object.fromEntries(parsed[0].map(([name, , , , value]) => [name, value]));
    expect(valuesOf(failed!)).toMatchObject({ lanceflow_exit_status: 65, lanceflow_running: 0 });
    expect(valuesOf(failed!)).not.toHaveProperty('lanceflow_rows');
    // A scrape of one folder must not have the same series twice.
    const series = listed.flatMap(([samples]) => samples.map(([name, , , labels]) => JSON.stringify([name, labels])));
    expect(listed).toHaveLength(2);
    expect(new Set(series).size).toBe(series.length);
    expect(valuesOf(listed[0]!)).toMatchObject({ lanceflow_exit_status: 0, lanceflow_rows: 0 });
  });
});

test('metrics need a file that can be replaced', async () => {
  const folder = await temporaryFolder();
  for (const path of ['/dev/null', '.']) {
    const { code, stderr } = await lanceflow(['catalog', '--database', 'absent', '--metrics', path], { cwd: folder });
    expect(code).toBe(64);
    expect(stderr).toContain('cannot be replaced');
  }
});

/** What the specification of the embedded metric format requires of a line. */
const EMF = {
  type: 'object',
  required: ['_aws'],
  properties: {
    _aws: {
      type: 'object',
      required: ['Timestamp', 'CloudWatchMetrics'],
      properties: {
        Timestamp: { type: 'integer', minimum: 1.6e12, maximum: 4.1e12 },
        CloudWatchMetrics: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            required: ['Namespace', 'Dimensions', 'Metrics'],
            additionalProperties: false,
            properties: {
              Namespace: { type: 'string', minLength: 1, maxLength: 1024 },
              Dimensions: {
                type: 'array',
                minItems: 1,
                items: { type: 'array', maxItems: 30, items: { type: 'string', minLength: 1, maxLength: 250 } },
              },
              Metrics: {
                type: 'array',
                minItems: 1,
                maxItems: 100,
                items: {
                  type: 'object',
                  required: ['Name'],
                  additionalProperties: false,
                  properties: {
                    Name: { type: 'string', minLength: 1, maxLength: 1024 },
                    Unit: { enum: ['Seconds', 'Bytes', 'Count', 'Percent'] },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};
const VALIDATE = `
import json, sys, jsonschema
schema, lines = json.loads(sys.argv[1]), json.loads(sys.argv[2])
for line in lines:
    jsonschema.validate(json.loads(line), schema)
    assert len(line.encode()) < 256 * 1024
print(len(lines))`;

describe.skipIf(missingPython())('CloudWatch, by the schema of its format', () => {
  /** Checks that dimensions are texts and metrics numbers of the same line. */
  function expectReferences(line: string): void {
    const { _aws, ...fields } = JSON.parse(line);
    const [{ Dimensions, Metrics }] = _aws.CloudWatchMetrics;
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
    for (const name of Dimensions.flat()) expect(fields[name]).toMatch(/^[\x20-\x39\x3b-\x7e][\x20-\x7e]{0,1023}$/);
    for (const { Name } of Metrics) expect(fields[Name]).toEqual(expect.any(Number));
  }

  test('lines while a command runs, and at its end', async () => {
    const lines = [RUNNING, { ...RUNNING, progress: undefined }, ENDED].flatMap((figures) =>
      [undefined, 'weekly \u0085 "x"', ':\u00e9\ud800', '\u00e9'.repeat(256)].map((campaign) =>
        embeddedMetricsLine(cloudFiguresOf(figures), { command: 'search-bucket', campaign }, { bucket: 'b' }, 1.7e12),
      ),
    );
    for (const line of lines) {
      expectReferences(line);
      // A line that standard error escapes would be no JSON any more.
      expect(line).toMatch(/^[\x20-\x7e]*$/);
    }
    expect(await python(VALIDATE, JSON.stringify(EMF), JSON.stringify(lines))).toBe(lines.length);
  });

  test('metrics are few, because each is billed: of one set of dimensions, without those that are always 0', () => {
    const s3 = { requests: 0, retries: 0, sentBytes: 0, receivedBytes: 0 };
    const metricsIn = (figures: Figures) => {
      const line = JSON.parse(
        embeddedMetricsLine(cloudFiguresOf(figures), { command: 'merge-hits', campaign: 'weekly' }, {}, 1.7e12),
      );
      const [{ Dimensions, Metrics }] = line._aws.CloudWatchMetrics;
      expect(Dimensions).toEqual([['Command', 'Campaign']]);
      return { line, names: (Metrics as { Name: string }[]).map(({ Name }) => Name) };
    };
    const running = metricsIn(RUNNING);
    expect(running.names).toEqual(['PeakMemory']);
    expect(running.line).toMatchObject({ Progress: 25, TimeLeft: 37.5 });
    const ended = metricsIn(ENDED);
    expect(ended.names).toEqual(['PeakMemory', 'Duration', 'CpuTime', 'Failures', 'Rows', 'Output', 'S3Requests']);
    expect(ended.line).toMatchObject({ S3Retries: 1, S3Received: 2 ** 40 });
    expect(metricsIn({ ...ENDED, s3 }).names).not.toContain('S3Requests');
  });

  test('a command writes one line at its end, before its error, and none without the variable', async () => {
    const folder = await temporaryFolder();
    const run = (variables: Record<string, string>) =>
      lanceflow(['verify', '--database', 'absent'], { cwd: folder, env: { ...process.env, ...variables } });
    const { code, stderr } = await run({ LANCEFLOW_CLOUDWATCH: 'true', LANCEFLOW_CAMPAIGN: 'weekly' });
    expect(code).toBe(65);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.map((line) => line.startsWith('{'))).toEqual([true, false]);
    expectReferences(lines[0]!);
    expect(await python(VALIDATE, JSON.stringify(EMF), JSON.stringify(lines.slice(0, 1)))).toBe(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({ Command: 'verify', Campaign: 'weekly', Failures: 1 });
    expect((await run({})).stderr).toBe(`${lines[1]}\n`);
    expect((await run({ LANCEFLOW_CLOUDWATCH: '1' })).code).toBe(64);
  });
});
