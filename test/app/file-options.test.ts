import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { ADDRESS_OPTIONS, checkFileOptions, checkFilePath, FILE_OPTIONS } from '../../workers/src/app/file-options.ts';
import { UsageError } from '../../workers/src/base/errors.ts';
import { COMMANDS, loadCommand } from '../../workers/src/commands/index.ts';
import { runHere } from '../support/command.ts';
import { ROOT, temporaryFolder } from '../support/run.ts';

/** Text options that are neither files nor addresses. */
const TEXTS = [
  'name',
  'bucket',
  'memory',
  'most',
  'range',
  'campaign',
  'queue',
  'job-definition',
  'sequence',
  'id',
  'buckets',
  'remote',
  'h5-embedding',
  'h5-id',
  'keep',
  'until',
  'values',
  'columns',
  'where',
  'link-template',
  'strategies',
  'nprobes',
  'refine-factor',
  'profile',
  'machine',
  'goal',
];

const commands = await Promise.all(
  Object.keys(COMMANDS).map(async (name) => {
    const { options, addresses = [] } = await loadCommand(name);
    return { name, options: Object.entries(options), addresses };
  }),
);
const takesText = ({ type }: { type?: string | undefined }) => type === 'string' || type === 'array';
const fileOptions = commands.flatMap(({ name, options }) =>
  options
    .filter(([option, of]) => takesText(of) && FILE_OPTIONS.includes(option))
    .map(([option]): [string, string] => [name, option]),
);

test('every text option is listed as a file, an address, or another text', () => {
  const known = [...FILE_OPTIONS, ...ADDRESS_OPTIONS, ...TEXTS];
  const unknown = commands.flatMap(({ name, options }) =>
    options.filter(([option, of]) => takesText(of) && !known.includes(option)).map(([option]) => `${name} --${option}`),
  );
  expect(unknown).toEqual([]);
});

describe('an address in place of a file of this machine', () => {
  test.each(fileOptions)('%s --%s', async (name, option) => {
    const folder = await temporaryFolder();
    process.chdir(folder);
    const { options, addresses } = commands.find((command) => command.name === name)!;
    const given = options
      .filter(([other, { demandOption }]) => demandOption === true && other !== option)
      .flatMap(([other]) => [`--${other}`, other === 'k' ? '3' : 'x']);
    const onS3 = addresses.includes(option) ? [] : ['s3://bucket/x'];
    for (const address of [...onS3, 'file:///x', 'gs://bucket/x', 'http://host/x']) {
      const error = await runHere([name, ...given, `--${option}`, address]).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UsageError);
      expect((error as Error).message).toContain(`--${option} ${address}: "`);
    }
    expect(await readdir(folder)).toEqual([]);
    process.chdir(ROOT);
  });

  test.each([
    ['S3:/bucket/x', /"s3:" is not supported here; name a file or folder on this machine/],
    [' s3://bucket/x', /"s3:" is not supported/],
    ['s3a://bucket/x', /"s3a:" is not supported/],
    ['az://x', /"az:" is not supported/],
    ['file:///data/x.fa', /"file:" is not supported here; give the path alone: \/data\/x\.fa\.$/],
    ['file://localhost/data/x.fa', /give the path alone: \/data\/x\.fa\.$/],
    ['file:x.fa', /give the path alone: x\.fa\.$/],
  ])('%s', (path, message) => {
    expect(() => checkFilePath('--output', path)).toThrow(message);
  });

  test.each(['a/s3:x', './s3://x', '/data/x', 'x:y', 'a b://c', 'out.parquet', '-', '3://x'])(
    '%s is a file',
    (path) => {
      expect(() => checkFileOptions({ output: path, input: [path, path] })).not.toThrow();
    },
  );
});
