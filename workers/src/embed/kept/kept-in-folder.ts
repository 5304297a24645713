import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFolder } from '../../base/files/scratch.ts';
import { findStats, returnIfMissing } from '../../base/missing-files.ts';
import type { KeptEmbeddings } from './kept-embeddings.ts';
import { bytesOf, type KeptEntry, LIST, modelIn, parseEntryList } from './kept-entry.ts';

/** Name of the folder of an embedder, and of an entry in it. */
const HASH = /^[0-9a-f]{32}$/;
const LEFTOVER = /^\..*\.tmp$/;
/** A run makes an entry, or removes one, in seconds; it copies to another file system in minutes. */
const LEFTOVER_MS = 24 * 60 * 60 * 1000;

/** Opens the embedding cache in a folder; undefined if the folder does not exist. Other files in it are ignored. */
export async function openKeptFolder(root: string): Promise<KeptEmbeddings | undefined> {
  if (!(await findStats(root))?.isDirectory()) return undefined;
  const embedders = async () => (await readdir(root)).filter((name) => HASH.test(name));

  async function readEntry(path: string): Promise<KeptEntry | undefined> {
    const text = await readFile(join(root, path, LIST), 'utf8').catch(returnIfMissing(''));
    const files = parseEntryList(text);
    // Another run may have removed it.
    const info = (await findStats(join(root, path, LIST))) ?? (await findStats(join(root, path)));
    if (!info) return undefined;
    return { path, files, bytes: files ? bytesOf(files) : await bytesIn(join(root, path)), usedMs: info.mtimeMs };
  }

  return {
    async entries() {
      const found: KeptEntry[] = [];
      for (const embedder of await embedders())
        for (const name of await readdir(join(root, embedder))) {
          const entry = HASH.test(name) ? await readEntry(`${embedder}/${name}`) : undefined;
          if (entry) found.push(entry);
        }
      return found;
    },
    async modelOf({ path, files }) {
      if (!files) return 'unknown';
      return modelIn(await readFile(join(root, path, files.report.path), 'utf8').catch(returnIfMissing('')));
    },
    async remove({ path }) {
      await removeFolder(join(root, path));
    },
    async leftovers() {
      const found: string[] = [];
      for (const embedder of await embedders())
        for (const name of await readdir(join(root, embedder))) {
          const info = LEFTOVER.test(name) ? await findStats(join(root, embedder, name)) : undefined;
          if (info && Date.now() - info.mtimeMs > LEFTOVER_MS) found.push(`${embedder}/${name}`);
        }
      return found;
    },
    removeLeftover: (path) => rm(join(root, path), { recursive: true, force: true }),
  };
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  return bytes;
}
