import { parseS3Uri } from '../../base/s3-location.ts';
import { s3Store } from '../../database/s3/s3-store.ts';
import { openS3 } from '../../s3/client.ts';
import { listObjects, removeObject } from '../../s3/objects.ts';
import type { KeptEmbeddings } from './kept-embeddings.ts';
import { bytesOf, filesOf, type KeptEntry, LIST, modelIn, parseEntryList } from './kept-entry.ts';

const ENTRY = new RegExp(`^([0-9a-f]{32}/[0-9a-f]{32})/${LIST}$`);

/** Opens the embedding cache below a prefix. Its entries name objects in the work folder, which are removed with them. */
export async function openKeptOnS3(uri: string): Promise<KeptEmbeddings> {
  const s3 = await openS3(uri);
  return {
    async entries() {
      const found: KeptEntry[] = [];
      for await (const { path, bytes, modified } of listObjects(s3, '')) {
        const [, entry] = ENTRY.exec(path) ?? [];
        if (entry === undefined) continue;
        const files = parseEntryList((await s3Store(s3).read(path)) ?? '');
        found.push({ path: entry, files, bytes: files ? bytesOf(files) : bytes, usedMs: modified.getTime() });
      }
      return found;
    },
    async modelOf({ files }) {
      return files ? modelIn(await readAddress(files.report.path)) : 'unknown';
    },
    async remove({ path, files }) {
      await removeObject(s3, `${path}/${LIST}`);
      for (const file of files ? filesOf(files) : []) {
        const { bucket, prefix } = parseS3Uri(file.path);
        await removeObject(await openS3(`s3://${bucket}`), prefix);
      }
    },
    // An object is written completely or not at all.
    leftovers: async () => [],
    removeLeftover: async () => {},
  };
}

/** Reads an object; an empty text if it does not exist. */
async function readAddress(address: string): Promise<string> {
  const { bucket, prefix } = parseS3Uri(address);
  return (await s3Store(await openS3(`s3://${bucket}`)).read(prefix)) ?? '';
}
