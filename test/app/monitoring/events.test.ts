import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openEventFile } from '../../../workers/src/app/monitoring/event-file.ts';
import { shownOptions } from '../../../workers/src/app/monitoring/shown-options.ts';
import { mapConcurrently } from '../../../workers/src/base/concurrency/map-concurrently.ts';
import { COMMANDS, loadCommand } from '../../../workers/src/commands/index.ts';
import { finish, lanceflow, missingPython, python, ROOT, run, temporaryFolder } from '../../support/run.ts';
import { waitUntil } from '../../support/wait.ts';

const SCHEMA = join(ROOT, 'docs/events.schema.json');
const VALIDATE = `
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
known = {one["properties"]["type"]["const"]: set(one["properties"]) for one in schema["oneOf"]}
problems = []
for line in [line for path in sys.argv[2:] for line in open(path, encoding="utf8")]:
    event = json.loads(line)
    problems += [f"{event['type']}: {error.message[:300]}" for error in validator.iter_errors(event)]
    problems += [f"{event['type']}: unknown field {name}" for name in set(event) - known.get(event["type"], set())]
print(json.dumps(problems))`;

type Event = Record<string, unknown> & { type: string; run: string };

async function eventsIn(path: string): Promise<Event[]> {
  const text = await readFile(path, 'utf8');
  expect(text).toMatch(/\n$/);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Checks the events of one command: their order, and one run. */
function expectWhole(events: readonly Event[], last: 'result' | 'error'): void {
  expect(events[0]!.type).toBe('start');
  expect(events.at(-1)!.type).toBe(last);
  const ends = events.filter(({ type }) => ['start', 'result', 'error'].includes(type));
  expect(ends).toHaveLength(2);
  expect(new Set(events.map(({ run }) => run)).size).toBe(1);
  const times = events.map(({ time }) => String(time));
  expect([...times].sort()).toEqual(times);
}

const CATALOG = ['catalog', '--database', 'absent', '--brief'];

describe.skipIf(missingPython())('against the JSON Schema, by Python', () => {
  test('every command writes a start, and an error or a result', async () => {
    const folder = await temporaryFolder();
    const files = await mapConcurrently(Object.keys(COMMANDS), 2, async (name) => {
      const { options } = await loadCommand(name);
      const required = Object.entries(options).filter(([, { demandOption }]) => demandOption === true);
      const given = required.flatMap(([option, { type }]) => [`--${option}`, type === 'number' ? '3' : 'x']);
      const file = join(folder, `${name}.ndjson`);
      const { code } = await lanceflow([name, ...given, '--events', file], { cwd: folder });
      const events = await eventsIn(file);
      expectWhole(events, code === 0 ? 'result' : 'error');
      expect(events.at(-1)).toMatchObject({ command: name, exitCode: code });
      return file;
    });
    expect(await python(VALIDATE, SCHEMA, ...files)).toEqual([]);
  }, 120_000);

  test('a build and a search', async () => {
    const folder = await temporaryFolder();
    const sequences = Array.from(
      { length: 30 },
      (_, i) => `>p${i}\nMKTAYIAKQRQISFVKSHFSRQ${'ACDEFGHIKL'.slice(i % 10)}\n`,
    );
    await writeFile(join(folder, 'a.fasta'), sequences.join(''));
    const bucket = ['--bucket', 'bucket_00001', '--database', 'db'];
    const steps = [
      ['embed-sequences', '--model', 'kmer', '--input', 'a.fasta', '--output', 'a.h5'],
      ['pack-buckets', '--input', 'a.h5', '--database', 'db', '--output', 'plan.json'],
      ['ingest-bucket', '--plan', 'plan.json', ...bucket],
      ['index-bucket', ...bucket],
      ['search-bucket', ...bucket, '--queries', 'a.h5', '--k', '3', '--output', 'hits.parquet'],
      ['merge-hits', '--input', 'hits.parquet', '--k', '3', '--output', 'neighbours.parquet'],
    ];
    const files: string[] = [];
    for (const step of steps) {
      const file = join(folder, `${step[0]}.ndjson`);
      const { code, stdout, stderr } = await lanceflow([...step, '--json', '--events', file], { cwd: folder });
      expect(code, stderr).toBe(0);
      const events = await eventsIn(file);
      expectWhole(events, 'result');
      expect(events.at(-1)!.report).toEqual(JSON.parse(stdout));
      files.push(file);
      const steps = events.filter(({ type }) => type === 'progress');
      // Each step is told of at its end too.
      for (const { label } of steps) {
        const own = steps.filter((event) => event.label === label);
        expect(own.map(({ done }) => Number(done))).toEqual(own.map(({ done }) => Number(done)).sort((a, b) => a - b));
        expect(own.length).toBeGreaterThan(1);
      }
    }
    expect(await python(VALIDATE, SCHEMA, ...files)).toEqual([]);
    const { done, total } = (await eventsIn(join(folder, 'embed-sequences.ndjson'))).findLast(
      ({ type }) => type === 'progress',
    )!;
    expect(done).toBe(total);
  }, 60_000);

  test('a command that SIGTERM stops ends with an error', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'events.ndjson');
    const args = ['split-sequences', '--input', '-', '--output', 'parts', '--events', file];
    const child = spawn(join(ROOT, 'bin/lanceflow'), args, { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = finish(child);
    await waitUntil('events', () => existsSync(file), { during: child });
    child.kill('SIGTERM');
    expect((await ended).code).toBe(143);
    const events = await eventsIn(file);
    expectWhole(events, 'error');
    expect(events.at(-1)).toMatchObject({ exitCode: 143, reason: 'stopped' });
    expect(await python(VALIDATE, SCHEMA, file)).toEqual([]);
  });
});

test('events follow those of earlier commands, also after half a line', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'events.ndjson');
  await writeFile(file, '{"type":"progress","do');
  for (const _ of [1, 2]) expect((await lanceflow([...CATALOG, '--events', file], { cwd: folder })).code).toBe(0);
  const [half, ...lines] = (await readFile(file, 'utf8')).trimEnd().split('\n');
  expect(half).toBe('{"type":"progress","do');
  expect(lines.map((line) => JSON.parse(line).type)).toEqual(['start', 'result', 'start', 'result']);
});

test('a line that needs several calls of the system is whole', async () => {
  const path = join(await temporaryFolder(), 'events.ndjson');
  const file = openEventFile(path);
  const pieces = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(10 ** 6, '\u00e9'));
  file.append(pieces);
  file.append(['{}']);
  expect((await readFile(path, 'utf8')).split('\n')).toEqual([pieces.join(''), '{}', '']);
});

test('a wrong command line is an error event, without options', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'events.ndjson');
  const { code } = await lanceflow(['catalog', '--databas', 'x', `--events=${file}`], { cwd: folder });
  expect(code).toBe(64);
  const [start, error] = await eventsIn(file);
  expect(start).not.toHaveProperty('options');
  expect(error).toMatchObject({ type: 'error', exitCode: 64, reason: 'usage' });
  expect(error!.message).toContain('--databas');
});

test('events change neither outputs nor exit code, and --quiet does not silence them', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'events.ndjson');
  const plain = await lanceflow([...CATALOG, '--json'], { cwd: folder });
  const told = await lanceflow([...CATALOG, '--json', '--quiet', '--events', file], { cwd: folder });
  const times = /"(seconds|cpuSeconds|peakMemoryBytes|started|bytesRead|bytesWritten)":("[^"]*"|[\d.e-]+)/g;
  expect(told.stdout.replaceAll(times, '')).toBe(plain.stdout.replaceAll(times, ''));
  expect(told).toMatchObject({ code: 0, stderr: plain.stderr });
  expectWhole(await eventsIn(file), 'result');
});

describe('events that cannot be written', () => {
  test('a full disk, and a pipe whose reader has ended: one warning, and the work is done', async () => {
    const folder = await temporaryFolder();
    const full = await lanceflow([...CATALOG, '--json', '--events', '/dev/full'], { cwd: folder });
    expect(full.code).toBe(0);
    expect(JSON.parse(full.stdout)).toMatchObject({ buckets: 0 });
    expect(full.stderr).toBe(
      '/dev/full: the events cannot be written: The disk is full. The command continues without them.\n',
    );
    const closed = spawn(join(ROOT, 'bin/lanceflow'), [...CATALOG, '--json', '--events', '/dev/fd/3'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    closed.stdio[3]!.destroy();
    const { code, stderr } = await finish(closed);
    expect(code).toBe(0);
    expect(stderr).toContain('/dev/fd/3: the events cannot be written: the program that reads this pipe has ended.');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('an option is refused before the work', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await run('mkfifo', [join(folder, 'pipe')]);
    const refusal = async (path: string) => {
      const { code, stderr, stdout } = await lanceflow([...CATALOG, '--events', path], { cwd: folder });
      expect(stdout).toBe('');
      return [code, stderr];
    };
    expect(await refusal('file/events')).toEqual([65, expect.stringContaining('Expected a file but found a folder')]);
    expect(await refusal('pipe')).toEqual([64, expect.stringContaining('no program reads this pipe')]);
    expect(await refusal('s3://bucket/events')).toEqual([64, expect.stringContaining('not supported here')]);
    expect(await refusal('.')).toEqual([65, expect.stringContaining('Expected a file')]);
    const both = await lanceflow([...CATALOG, '--json', '--events', '-'], { cwd: folder });
    expect(both).toMatchObject({ code: 64 });
  });

  test('a folder of the environment that cannot be written costs a warning', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const env = { ...process.env, LANCEFLOW_MONITORING: join(folder, 'file/below') };
    const { code, stderr } = await lanceflow([...CATALOG, '--json'], { cwd: folder, env });
    expect(code).toBe(0);
    expect(stderr).toContain('the events and metrics cannot be written');
  });
});

test('a reader that starts late has all events', async () => {
  const folder = await temporaryFolder();
  const script = `"$0" ${CATALOG.join(' ')} --quiet --events >(sleep 0.5; cat > "$1")`;
  const { code } = await run('bash', ['-c', script, join(ROOT, 'bin/lanceflow'), join(folder, 'copy')]);
  expect(code).toBe(0);
  const read = () => readFile(join(folder, 'copy'), 'utf8').catch(() => '');
  await waitUntil('the last event', async () => (await read()).includes('"result"'));
});

test('start events have no secrets, no sequences, and no long lists', () => {
  const args = {
    'aws-secret': 'x',
    password: 'y',
    sequence: 'MKTAYIAK',
    database: 's3://key:word@bucket/db',
    input: Array.from({ length: 500 }, (_, i) => `${i}.h5`),
    few: ['a', 'b'],
    k: Number.NaN,
    brief: true,
    absent: undefined,
    listed: ['https://user@host/x'],
  };
  expect(shownOptions(args, Object.keys(args))).toEqual({
    database: 's3://bucket/db',
    input: '500 values',
    few: ['a', 'b'],
    k: 'NaN',
    brief: true,
    listed: ['https://host/x'],
  });
});
