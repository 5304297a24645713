import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { NodeCache } from '../node/node-cache.ts';

/** Distinguishes databases on S3 in the names of what one node holds of them. */
export function databaseHash(uri: string): string {
  return createHash('sha256').update(uri).digest('hex').slice(0, 8);
}

/** Tables that ingest-bucket published and keeps on this node, so that index-bucket need not fetch them. */
export class KeptTables {
  readonly #cache: NodeCache;
  readonly #database: string;

  /** @param uri of the database */
  constructor(work: string, uri: string) {
    this.#cache = new NodeCache(work);
    this.#database = databaseHash(uri);
  }

  /** Moves a published table, `.../<bucket>.lance`, to those that are kept. */
  keep(bucket: string, recipe: string, folder: string): Promise<void> {
    return this.#cache.adopt(this.#nameOf(bucket, recipe), folder);
  }

  /**
   * Runs `use` with the folder of a kept table, which `fetch` fills where files are missing.
   * @param bytes that the table takes of the disk
   */
  async withTable(
    { bucket, recipe, bytes }: { bucket: string; recipe: string; bytes: number },
    fetch: (folder: string) => Promise<void>,
    use: (folder: string) => Promise<void>,
  ): Promise<void> {
    const entry = await this.#cache.use(this.#nameOf(bucket, recipe), bytes);
    const folder = join(entry.folder, `${bucket}.lance`);
    try {
      await this.#cache.fill(entry, () => fetch(folder));
      await use(folder);
    } finally {
      await entry.release();
    }
  }

  /** Removes the tables of a bucket. */
  remove(bucket: string): Promise<void> {
    return this.#cache.evict(`${bucket}.${this.#database}.table-`);
  }

  #nameOf(bucket: string, recipe: string): string {
    return `${bucket}.${this.#database}.table-${recipe.slice(0, 12)}`;
  }
}
