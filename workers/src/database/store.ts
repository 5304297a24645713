import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../base/errors.ts';
import { temporaryName } from '../base/files/temporary.ts';
import { writeTextAtomically } from '../base/files/write-atomically.ts';
import { ifMissing } from '../base/if-missing.ts';

/** Small objects beside the tables: catalog entries and ingest records. Keys are `folder/name`. */
export interface ObjectStore {
  /** Names of the objects in a folder, sorted; none where it does not exist. */
  list(folder: string): Promise<string[]>;
  read(key: string): Promise<string | undefined>;
  /** Replaces the object in one step. */
  write(key: string, text: string): Promise<void>;
  /** Makes the object unless it is there. @returns whether it was made */
  create(key: string, text: string): Promise<boolean>;
  remove(key: string): Promise<void>;
}

/** Objects as files below `root`. */
export function localStore(root: string): ObjectStore {
  const at = (key: string) => join(root, key);
  return {
    async list(folder) {
      const names = await readdir(at(folder)).catch(ifMissing<string[]>([]));
      return names.filter((name) => !name.startsWith('.')).sort();
    },
    read: (key) => readFile(at(key), 'utf8').catch(ifMissing<string | undefined>(undefined)),
    write: (key, text) => writeTextAtomically(at(key), text),
    async create(key, text) {
      await mkdir(dirname(at(key)), { recursive: true });
      const temporary = temporaryName(at(key));
      try {
        await writeFile(temporary, text, { flush: true });
        // A link fails where the name is taken, so of two builds one wins, and the object is whole at once.
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
}
