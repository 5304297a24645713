import { once } from 'node:events';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isStreamOutput, scratchPathOf } from '../../../workers/src/base/files/stream-output.ts';
import { writeAtomically } from '../../../workers/src/base/files/write-atomically.ts';
import { ROOT, run, temporaryFolder } from '../../support/run.ts';

/** More than a pipe holds. */
const TEXT = 'a line of text\n'.repeat(20_000);

async function folderWithPipe() {
  const folder = await temporaryFolder();
  const pipe = join(folder, 'pipe');
  await run('mkfifo', [pipe]);
  const scratch = join(folder, 'tmp');
  await mkdir(scratch);
  vi.stubEnv('TMPDIR', scratch);
  return { folder, pipe, scratch };
}

/** Runs code that imports `writeAtomically` in a process of its own, by a line of a shell in which `$run` runs it. */
function runInShell(code: string, line: string, folder: string) {
  const source = `
import { writeFile } from 'node:fs/promises';
import { writeAtomically } from '${ROOT}/workers/src/base/files/write-atomically.ts';
const write = (path, text) => writeAtomically(path, (temporary) => writeFile(temporary, text));
${code}`;
  const env = { ...process.env, node: process.execPath, source };
  return run('bash', ['-c', `run() { "$node" --input-type=module -e "$source"; }\n${line}`], { cwd: folder, env });
}

describe('writeAtomically into what is no plain file', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('writes through a pipe, whose reader may come later, and leaves nothing else', async () => {
    const { pipe, scratch } = await folderWithPipe();
    const writing = writeAtomically(pipe, async (temporary) => {
      await writeFile(temporary, TEXT);
      return 7;
    });
    // The reader comes when all is written.
    await vi.waitUntil(async () => (await readdir(scratch)).length > 0);
    expect((await run('cat', [pipe])).stdout).toBe(TEXT);
    expect(await writing).toBe(7);
    expect((await lstat(pipe)).isFIFO()).toBe(true);
    expect(await readdir(scratch)).toEqual([]);
  });

  it('fails where the reader of a pipe ends early', async () => {
    const { pipe, scratch } = await folderWithPipe();
    const reading = run('head', ['-c', '1', pipe]);
    await expect(writeAtomically(pipe, (temporary) => writeFile(temporary, TEXT))).rejects.toThrow(
      /pipe: the program that reads this pipe ended before all was written/,
    );
    await reading;
    expect(await readdir(scratch)).toEqual([]);
  });

  it('writes nothing into a pipe where the writer fails', async () => {
    const { pipe } = await folderWithPipe();
    const failing = writeAtomically(pipe, async (temporary) => {
      await writeFile(temporary, 'half');
      throw new Error('no more');
    });
    await expect(failing).rejects.toThrow('no more');
  });

  it('can end while it waits for the reader of a pipe', async () => {
    const { folder } = await folderWithPipe();
    const code = `setTimeout(() => process.exit(3), 300);\nawait write('pipe', 'x');`;
    expect((await runInShell(code, 'run', folder)).code).toBe(3);
  });

  it('writes into a device under any name, which stays', async () => {
    const { folder } = await folderWithPipe();
    const device = join(folder, 'device');
    await symlink('/dev/null', device);
    for (const path of ['/dev/null', device]) await writeAtomically(path, (temporary) => writeFile(temporary, 'x'));
    expect((await lstat('/dev/null')).isCharacterDevice()).toBe(true);
    expect((await lstat(device)).isSymbolicLink()).toBe(true);
  });

  it('continues files that are open: standard output, and descriptors of a shell', async () => {
    const { folder } = await folderWithPipe();
    await writeFile(join(folder, 'log'), 'before\n');
    const code = `
for (const path of ['/dev/stdout', '/proc/self/fd/1', '/dev/fd/3']) await write(path, path + '\\n');
await write('/dev/fd/99', 'x').catch(({ message }) => write('/dev/stdout', message + '\\n'));`;
    expect(await runInShell(code, 'run >> log 3>> log', folder)).toMatchObject({ code: 0, stderr: '' });
    expect((await readFile(join(folder, 'log'), 'utf8')).split('\n')).toEqual([
      ...['before', '/dev/stdout', '/proc/self/fd/1', '/dev/fd/3'],
      ...['/dev/fd/99: is not open for writing. Name a file.', ''],
    ]);
    expect((await runInShell(`await write('/dev/stdout', 'x'.repeat(1e6))`, 'run | head -c 2', folder)).stdout).toBe(
      'xx',
    );
  });

  it('refuses a socket, which the rename would replace', async () => {
    const { folder } = await folderWithPipe();
    const server = createServer().listen(join(folder, 'socket'));
    await once(server, 'listening');
    const writing = writeAtomically(join(folder, 'socket'), (temporary) => writeFile(temporary, 'x'));
    await expect(writing).rejects.toThrow(/socket: a socket or a disk cannot be an output/);
    server.close();
  });

  it('keeps scratch files of other outputs beside them', async () => {
    const { folder, pipe, scratch } = await folderWithPipe();
    expect(scratchPathOf(join(folder, 'near.csv'))).toBe(join(folder, 'near.csv'));
    expect(scratchPathOf(pipe)).toBe(join(scratch, 'pipe'));
    expect(scratchPathOf('/dev/stdout')).toBe(join(scratch, 'stdout'));
    expect(isStreamOutput(join(folder, 'missing', 'near.csv'))).toBe(false);
  });
});
