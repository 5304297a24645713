import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { finish, missing, ROOT, run, temporaryFolder } from '../support/run.ts';

const LANCEFLOW = join(ROOT, 'bin/lanceflow');
const SCRIPT = '/usr/bin/script';
const skip = missing(process.platform === 'linux' && existsSync(SCRIPT), 'script (util-linux)');

/** Runs a command in a pseudo-terminal until its progress bar is drawn, then calls `act`. */
async function inTerminal(act: (terminal: { type(keys: string): void; pid: number }) => unknown) {
  const folder = await temporaryFolder();
  // The command waits for sequences on the terminal, with its bar drawn.
  const command = `echo $$ > pid; exec '${LANCEFLOW}' embed-sequences --model kmer --input - --output out/o.h5`;
  const child = spawn(SCRIPT, ['-qfec', command, '/dev/null'], { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = finish(child);
  let seen = '';
  for await (const [part] of on(child.stdout)) {
    seen += part;
    if (seen.includes('residues') || seen.includes('bytes')) break;
  }
  const before = seen.length;
  await act({ type: (keys) => child.stdin.write(keys), pid: Number(await readFile(join(folder, 'pid'), 'utf8')) });
  const { stdout, code, signal } = await ended;
  return { all: stdout, after: stdout.slice(before), code, signal, left: await readdir(join(folder, 'out')) };
}

async function* on(stream: NodeJS.ReadableStream): AsyncGenerator<[string]> {
  for (;;) yield (await once(stream, 'data')) as [string];
}

describe.skipIf(skip)('the terminal is restored', () => {
  it.each([
    ['Ctrl-C', '\x03', 130],
    ['SIGTERM', 'SIGTERM', 143],
    ['SIGHUP', 'SIGHUP', 129],
  ])('after %s', async (_name, by, exit) => {
    const { all, after, code, left } = await inTerminal(({ type, pid }) =>
      by === '\x03' ? type(by) : process.kill(pid, by),
    );
    expect({ code, left }).toEqual({ code: exit, left: [] });
    expect(after).toContain('unfinished files are being removed');
    expect(after.endsWith('\x1b[?25h\x1b[?7h')).toBe(true);
    // SIGKILL cannot be handled: the cursor must be visible and lines must wrap at any time.
    expect(all).not.toContain('\x1b[?25l');
    expect(all).not.toContain('\x1b[?7l');
  });

  it('after an error, and after a success', async () => {
    for (const [typed, exit, said] of [
      ['MKT\n\x04', 65, 'comes before the first header'],
      ['>a\nMKT\n\x04', 0, '1 sequence '],
    ] as const) {
      const { all, after, code } = await inTerminal(({ type }) => type(typed));
      expect(code).toBe(exit);
      expect(after).toContain(said);
      expect(after.endsWith('\x1b[?25h\x1b[?7h')).toBe(true);
      expect(all).not.toContain('\x1b[?25l');
      expect(all).not.toContain('\x1b[?7l');
    }
  });
});

describe('outputs that are closed before the command ends', () => {
  const args = ['doctor', '--json'];
  const inShell = (text: string) => run('bash', ['-c', text, 'bash', LANCEFLOW, ...args]);

  it('a closed pipe does not stop the command', async () => {
    expect(await inShell(`"$@" | true; exit \${PIPESTATUS[0]}`)).toMatchObject({
      code: expect.any(Number),
      stderr: '',
    });
    // Both outputs, and the summary.
    const { code } = await inShell(`("$1" --help; "$1" "$2") 2>&1 | true`);
    expect(code).toBe(0);
  });

  it.skipIf(process.platform !== 'linux')('a full disk is reported', async () => {
    const { code, stderr } = await inShell('"$@" > /dev/full');
    expect(code).toBe(75);
    expect(stderr).toMatch(/^lanceflow doctor: standard output: The disk is full/);
  });

  it.skipIf(skip)('nohup lets a command outlive its terminal', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.fa'), '>a\nMKT\n');
    const command = `nohup sh -c 'sleep 0.2; kill -HUP $$; exec "$@"' sh "$@" --input a.fa --output o.h5`;
    const { code } = await run('bash', ['-c', command, 'bash', LANCEFLOW, 'embed-sequences', '--model', 'kmer'], {
      cwd: folder,
    });
    expect(code).toBe(0);
  });
});
