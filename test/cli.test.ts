import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { COMMANDS, loadCommand } from '../workers/src/commands/index.ts';
import { completionsOf } from '../workers/src/completion.ts';
import { parseArguments } from '../workers/src/parse-arguments.ts';
import { expectRefusalHere } from './support/refusal.ts';
import { lanceflow, ROOT, run, temporaryFolder } from './support/run.ts';

const NAMES = Object.keys(COMMANDS);
const ESCAPE = '\x1b[';

test.each(['--version', '-v', 'version'])('%s prints the version', async (option) => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(await lanceflow([option])).toMatchObject({ code: 0, stdout: `lanceflow ${version}\n`, stderr: '' });
});

describe('a misspelt name is refused with 64 and a suggestion', () => {
  it.each([
    [['serch-bucket'], 'Unknown command "serch-bucket". Did you mean search-bucket?'],
    [['--hlep'], 'Unknown option --hlep. Did you mean --help?'],
    [['frobnicate'], 'Unknown command "frobnicate". lanceflow --help'],
    [['catalog', '--hlep'], 'Unknown option --hlep. Did you mean --help? See: lanceflow catalog --help'],
  ])('%j', async (argv, message) => {
    const { code, stdout, stderr } = await lanceflow(argv);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toContain(message);
  });

  it.each<[string[], RegExp]>([
    // The misspelt option is named, not the required one that is missing because of it.
    [['search-bucket', '--bukcet', 'b'], /Unknown option --bukcet\. Did you mean --bucket\?/],
    [['search-bucket', '--nprobe', '5'], /Did you mean --nprobes\?/],
    [['search-bucket', '--n_probes=5'], /Unknown option --n_probes\. Did you mean --nprobes\?/],
    [['catalog', '--database', 'db', '-x'], /Unknown option -x\. See/],
    [['catalog', '--database', 'db', '-josn'], /Unknown option -josn\. Did you mean --json\?/],
    [['catalog', '--database', 'db', 'bucket_1'], /"bucket_1" belongs to no option/],
    [['verify', '--no-id', '--database', 'db'], /Unknown option --no-id\. Did you mean --ids\?/],
  ])('%j', (argv, message) => expectRefusalHere(argv, 64, message));
});

test('options may be written with hyphens, underscores, or in camel case', async () => {
  const command = await loadCommand('pack-buckets');
  const parse = (...argv: string[]) =>
    parseArguments('pack-buckets', command, ['--input', 'a_b.h5', '--output', 'o', ...argv]);
  const expected = await parse('--bucket-size', '5', '--check-ids');
  expect(await parse('--bucket_size=5', '--check_ids')).toEqual(expected);
  expect(await parse('--bucketSize', '5', '--no-check_ids', '--checkIds')).toMatchObject({ bucketSize: 5 });
});

test.each(NAMES)('every example of %s can be run', async (name) => {
  const command = await loadCommand(name);
  expect(command.examples.length).toBeGreaterThan(0);
  for (const [line] of command.examples) {
    // What a shell takes for itself: `< one.fasta | jq .target_id`.
    const [program, ...words] = line.split(/ [<>|]/)[0]!.split(' ');
    expect(program).toBe(name);
    await parseArguments(name, command, words);
  }
});

describe('--quiet', () => {
  it('leaves answers, warnings and errors only', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.fa'), '>a\nMKT\n');
    const embed = (...argv: string[]) =>
      lanceflow(['embed-sequences', '--model', 'kmer', '--input', 'a.fa', '--output', 'o.h5', ...argv], {
        cwd: folder,
      });
    expect((await embed()).stderr).toContain('embed-sequences: 1 sequence (3 residues) embedded in');
    expect(await embed('--quiet')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const { code, stdout, stderr } = await embed('-q', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ rows: 1 });
    await writeFile(join(folder, 'a.fa'), '>a\nMKT\n>b\n*\n');
    expect(await embed('--quiet')).toMatchObject({ code: 0, stderr: expect.stringContaining('skipped 1 record') });
    await writeFile(join(folder, 'a.fa'), 'MKT\n');
    expect(await embed('--quiet')).toMatchObject({ code: 65, stderr: expect.stringContaining('first header') });
  });
});

test('colors: not in a pipe, unless FORCE_COLOR is set', async () => {
  // Node has no colors under CI either.
  const { FORCE_COLOR: _force, NO_COLOR: _no, CI: _ci, ...env } = process.env;
  const plain = await lanceflow(['ask', '--hlep'], { env });
  expect(plain.stderr).toMatch(/^lanceflow ask: Unknown/);
  const colored = await lanceflow(['ask', '--hlep'], { env: { ...env, FORCE_COLOR: '1' } });
  expect(colored.stderr).toContain(ESCAPE);
  const refused = await lanceflow(['ask', '--hlep'], { env: { ...env, FORCE_COLOR: '0' } });
  expect(refused.stderr).toBe(plain.stderr);
  const script = (variable: string) =>
    run('script', ['-qec', `env ${variable} TERM=xterm '${join(ROOT, 'bin/lanceflow')}' ask --hlep`, '/dev/null'], {
      env,
    });
  expect((await script('A=1')).stdout).toContain(ESCAPE);
  expect((await script('NO_COLOR=1')).stdout).not.toContain(ESCAPE);
});

describe('completion', () => {
  it('knows commands, options and choices, and leaves files to the shell', async () => {
    expect(await completionsOf([''])).toEqual([...NAMES, 'completion', 'help']);
    expect(await completionsOf(['help', ''])).toEqual(NAMES);
    expect(await completionsOf(['search-bucket', '--'])).toContain('--nprobes');
    expect(await completionsOf(['search-bucket', '--'])).toContain('--quiet');
    expect(await completionsOf(['search-bucket', '--search', ''])).toEqual(['auto', 'ann', 'scan', 'exact']);
    expect(await completionsOf(['merge-hits', '--input', 'a.parquet', ''])).toEqual([]);
    expect(await completionsOf(['unknown', ''])).toEqual([]);
  });

  it('works in bash, also where the path has a space and the login shell is zsh', async () => {
    const folder = join(await temporaryFolder(), 'a b');
    await mkdir(folder);
    await symlink(join(ROOT, 'bin'), join(folder, 'bin'));
    const complete = (...words: string[]) => `
      source <("$1/bin/lanceflow" completion bash)
      COMP_WORDS=(lanceflow ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}
      _lanceflow_yargs_completions
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const inBash = async (...words: string[]) => {
      const env = { ...process.env, SHELL: '/bin/zsh' };
      const { stdout, stderr } = await run('bash', ['-c', complete(...words), 'bash', folder], { env });
      expect(stderr).toBe('');
      return stdout.trim().split('\n');
    };
    expect(await inBash('se')).toEqual(['search-bucket']);
    expect(await inBash('search-bucket', '--se')).toEqual(['--search']);
    expect(await inBash('search-bucket', '--search', 'a')).toEqual(['auto', 'ann']);
    expect(await inBash('merge-hits', '--input', '')).toEqual(['']);
  });

  it('prints a script for zsh, and names the shells for another', async () => {
    expect((await lanceflow(['completion', 'zsh'])).stdout).toMatch(/^#compdef lanceflow\n/);
    expect(await lanceflow(['completion', 'fish'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('bash, zsh'),
    });
  });
});
