import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataError, toUserError } from '../../../workers/src/base/errors.ts';
import { hasEnded, processName } from '../../../workers/src/base/files/process-name.ts';
import { withScratch } from '../../../workers/src/base/files/scratch.ts';
import { removeStale, temporaryName } from '../../../workers/src/base/files/temporary.ts';
import { writeAllAtomically, writeAtomically } from '../../../workers/src/base/files/write-atomically.ts';
import { localStore } from '../../../workers/src/database/local/local-store.ts';
import { run, temporaryFolder } from '../../support/run.ts';

/** The id of a process that has ended. */
async function endedPid(): Promise<number> {
  const { stdout } = await run(process.execPath, ['-e', 'console.log(process.pid)']);
  return Number(stdout);
}

describe('writeAllAtomically', () => {
  it('writes all files that are wanted, or none', async () => {
    const folder = await temporaryFolder();
    const [one, other] = [join(folder, 'one'), join(folder, 'other')];
    const write = async (temporaries: readonly (string | undefined)[]) => {
      for (const path of temporaries) if (path !== undefined) await writeFile(path, 'x');
      return temporaries.map((path) => path !== undefined);
    };
    const failing = writeAllAtomically([one, other], async (temporaries) => {
      await write(temporaries);
      throw new Error('no more');
    });
    await expect(failing).rejects.toThrow('no more');
    expect(await readdir(folder)).toEqual([]);
    expect(await writeAllAtomically([one, undefined], write)).toEqual([true, false]);
    expect(await readdir(folder)).toEqual(['one']);
    expect(await writeAllAtomically([one, other], write)).toEqual([true, true]);
    expect((await readdir(folder)).sort()).toEqual(['one', 'other']);
  });
});

describe('writeAtomically', () => {
  it('creates the file and its folders, and returns the result of the writer', async () => {
    const path = join(await temporaryFolder(), 'a', 'b', 'file');
    const write = async (temporary: string) => {
      await writeFile(temporary, 'x');
      return 7;
    };
    expect(await writeAtomically(path, write)).toBe(7);
    expect(await readFile(path, 'utf8')).toBe('x');
    expect(await readdir(join(path, '..'))).toEqual(['file']);
  });

  it('keeps the old file, and nothing else, if the writer fails', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    await writeFile(path, 'before');
    const failing = writeAtomically(path, async (temporary) => {
      await writeFile(temporary, 'half');
      throw new Error('no more');
    });
    await expect(failing).rejects.toThrow('no more');
    expect(await readFile(path, 'utf8')).toBe('before');
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('refuses the name of a folder before the writer runs', async () => {
    const folder = await temporaryFolder();
    let called = false;
    const writing = writeAtomically(folder, async () => {
      called = true;
    });
    await expect(writing).rejects.toThrow(DataError);
    expect(called).toBe(false);
  });

  it('accepts the longest names of the file system, and refuses longer ones', async () => {
    const folder = await temporaryFolder();
    for (const name of ['é'.repeat(127), 'x'.repeat(255), 'x'.repeat(219), 'x'.repeat(220)]) {
      await writeAtomically(join(folder, name), (temporary) => writeFile(temporary, name));
      expect(await readFile(join(folder, name), 'utf8')).toBe(name);
    }
    const refused = writeAtomically(join(folder, 'x'.repeat(300)), async () => {}).catch(toUserError);
    expect(await refused).toBeInstanceOf(DataError);
    expect(((await refused) as unknown as Error).message).toMatch(
      /^The name is too long \(.*x{300}\): most file systems/,
    );
  });

  it('leaves one complete file if several writers use the same name at once', async () => {
    const path = join(await temporaryFolder(), 'file');
    const texts = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(10_000));
    await Promise.all(texts.map((text) => writeAtomically(path, (temporary) => writeFile(temporary, text))));
    expect(texts).toContain(await readFile(path, 'utf8'));
    expect(await readdir(join(path, '..'))).toEqual(['file']);
  });
});

describe('temporary files', () => {
  it('are removed if their process has ended', async () => {
    const folder = await temporaryFolder();
    const target = join(folder, 'file');
    const own = temporaryName(target);
    const ended = own.replace(`.${process.pid}.`, `.${await endedPid()}.`);
    const elsewhere = own.replace(/\.[0-9a-f]{8}\./, '.00000000.');
    const other = temporaryName(join(folder, 'file2')).replace(`.${process.pid}.`, `.${await endedPid()}.`);
    const unlike = join(folder, '.file.notes.tmp');
    for (const path of [own, ended, elsewhere, other, unlike]) await writeFile(path, '');
    await removeStale(target);
    const left = (await readdir(folder)).sort();
    expect(left).toEqual([own, elsewhere, other, unlike].map((path) => path.slice(folder.length + 1)).sort());
    // Those of another machine are removed after a day.
    const old = new Date(Date.now() - 25 * 60 * 60 * 1000);
    await utimes(elsewhere, old, old);
    await removeStale(target);
    expect(await readdir(folder)).not.toContain(elsewhere.slice(folder.length + 1));
  });

  it('that are links are removed without the folder they point to', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'precious'));
    await writeFile(join(folder, 'precious', 'data'), 'x');
    const link = temporaryName(join(folder, 'file')).replace(`.${process.pid}.`, `.${await endedPid()}.`);
    await symlink(join(folder, 'precious'), link);
    await removeStale(join(folder, 'file'));
    expect(await readdir(folder)).toEqual(['precious']);
    expect(await readFile(join(folder, 'precious', 'data'), 'utf8')).toBe('x');
  });
});

describe('withScratch', () => {
  it('removes the folder and its content, also after a failure', async () => {
    const folder = await temporaryFolder();
    const seen = await withScratch(join(folder, 'new'), 'label', async (scratch) => {
      await mkdir(join(scratch, 'deep', 'er'), { recursive: true });
      await writeFile(join(scratch, 'deep', 'er', 'file'), 'x');
      return scratch;
    });
    await expect(stat(seen)).rejects.toThrow('ENOENT');
    const failing = withScratch(folder, 'label', async (scratch) => {
      await writeFile(join(scratch, 'file'), 'x');
      throw new Error('no more');
    });
    await expect(failing).rejects.toThrow('no more');
    expect(await readdir(folder)).toEqual(['new']);
  });
});

describe('hasEnded', () => {
  it('knows only processes of this machine', async () => {
    expect(hasEnded(processName())).toBe(false);
    const ended = processName().replace(/\d+$/, String(await endedPid()));
    expect(hasEnded(ended)).toBe(true);
    expect(hasEnded(ended.replace(/^[0-9a-f]{8}/, '00000000'))).toBe(false);
    for (const text of ['', 'nonsense', `${processName()}x`, '.', processName().replace(/\d+$/, '')])
      expect(hasEnded(text)).toBe(false);
  });
});

describe('localStore', () => {
  it('lists, reads, writes and removes objects', async () => {
    const store = localStore(await temporaryFolder());
    expect(await store.list('none')).toEqual([]);
    expect(await store.read('none/x')).toBeUndefined();
    await store.write('f/b', '1');
    await store.write('f/a', 'é😀');
    await store.write('f/b', '2');
    expect(await store.list('f')).toEqual(['a', 'b']);
    expect([await store.read('f/a'), await store.read('f/b')]).toEqual(['é😀', '2']);
    await store.remove('f/a');
    await store.remove('f/a');
    expect(await store.list('f')).toEqual(['b']);
  });

  it('creates an object once, however many try', async () => {
    const folder = await temporaryFolder();
    const store = localStore(folder);
    const made = await Promise.all(Array.from({ length: 20 }, (_, i) => store.create('f/x', `${i}`)));
    expect(made.filter(Boolean).length).toBe(1);
    expect(await store.read('f/x')).toBe(`${made.indexOf(true)}`);
    expect(await readdir(join(folder, 'f'))).toEqual(['x']);
  });
});
