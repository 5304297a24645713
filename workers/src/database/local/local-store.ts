import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';
import { temporaryName } from '../../base/files/temporary.ts';
import { writeTextAtomically } from '../../base/files/write-atomically.ts';
import { returnIfMissing } from '../../base/missing-files.ts';
import type { ObjectStore } from '../object-store.ts';

/** Keeps objects as files below `root`. */
export function localStore(root: string): ObjectStore {
  const at = (key: string) => join(root, key);
  const store: ObjectStore = {
    async list(folder) {
      const names = await readdir(at(folder)).catch(returnIfMissing<string[]>([]));
      return names.filter((name) => !name.startsWith('.')).sort();
    },
    read: (key) => readFile(at(key), 'utf8').catch(returnIfMissing<string | undefined>(undefined)),
    async readIfChanged(key, etag) {
      const text = await store.read(key);
      // A text of some kilobytes is its own ETag.
      if (text === undefined) return undefined;
      return text === etag ? 'unchanged' : { text, etag: text };
    },
    write: (key, text) => writeTextAtomically(at(key), text),
    async create(key, content) {
      await mkdir(dirname(at(key)), { recursive: true });
      const temporary = temporaryName(at(key));
      try {
        await writeFile(temporary, content, { flush: true });
        // A link fails if the name is taken, so one of two builds wins, and no reader sees a partial object.
        await link(temporary, at(key));
        return true;
      } catch (error) {
        if (systemErrorCode(error) === 'EEXIST') return false;
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
    },
    remove: (key) => rm(at(key), { force: true }),
  };
  return store;
}
