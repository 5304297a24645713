import { join } from 'node:path';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { readManifest, type TableManifest } from '../../lance/format/table-manifest.ts';
import { type TableFile, unnamedFiles } from '../../lance/table-files.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { removeObjects } from '../../s3/objects.ts';
import { backgroundThreads, withTransfers } from '../../s3/transfer/transfers.ts';
import { Uploader } from '../../s3/transfer/upload.ts';
import type { ObjectStore } from '../object-store.ts';
import type { EarlyFile, PublishEarly, UnfinishedTable } from '../table-publisher.ts';
import type { TableReader } from '../table-reader.ts';

const ENDING = '.publishing';
const MANIFESTS_AT_ONCE = 4;

/**
 * Files that are published before the table that has them. While there may be any, an object `_pending/<bucket>.publishing` exists: other
 * clients write files of versions to come too, and only with the object do files that no manifest names belong to a killed build.
 */
export class EarlyFiles {
  readonly #s3: S3Bucket;
  readonly #store: ObjectStore;
  readonly #tables: TableReader;

  constructor(s3: S3Bucket, store: ObjectStore, tables: TableReader) {
    this.#s3 = s3;
    this.#store = store;
    this.#tables = tables;
  }

  /** Uploads the files that `use` names while it goes on: see `TablePublisher`. The caller has aborted unfinished uploads. */
  async publish<T>(
    { bucket, folder, bytes: total, lost }: UnfinishedTable,
    use: (publish: PublishEarly) => Promise<T>,
  ): Promise<{ result: T; files: TableFile[] }> {
    lost.throwIfAborted();
    await this.#store.write(markOf(bucket), '');
    const published = await this.#tables.sizes(bucket);
    const failed = new AbortController();
    const signal = AbortSignal.any([lost, failed.signal]);
    const options = { bytes: total, signal, threads: backgroundThreads(total) };
    return withTransfers(this.#s3, options, async (transfers) => {
      const uploader = new Uploader(this.#s3, transfers);
      const upload = async (file: EarlyFile): Promise<TableFile> => {
        const { path, bytes } = file;
        // A name follows from the content (see `publishFiles`), or is new.
        if ('checksum' in file && published.get(path) === bytes) return file;
        const source = { ...file, key: `${bucket}.lance/${path}`, path: join(folder, path) };
        const { checksum } = await uploader.upload(source, { bytes, isThere: published.has(path) });
        return { path, bytes, checksum };
      };
      const uploads: Promise<TableFile>[] = [];
      let failure: { error: unknown } | undefined;
      const publish: PublishEarly = (file) => {
        if (failure) throw failure.error;
        const uploading = upload(file);
        uploading.catch((error: unknown) => {
          failure ??= { error };
        });
        uploads.push(uploading);
      };
      try {
        const result = await use(publish);
        return { result, files: await Promise.all(uploads) };
      } catch (error) {
        failed.abort(error);
        // Each aborts its parts. The bucket's lock is held until then.
        await Promise.allSettled(uploads);
        throw error;
      }
    });
  }

  /** Ends the time in which there may be such files: all objects of the table belong to it. */
  async end(bucket: string): Promise<void> {
    await this.#store.remove(markOf(bucket));
  }

  /** Removes those of a killed build. @param files of the published table */
  async remove(bucket: string, files: readonly TableFile[]): Promise<void> {
    if ((await this.#store.read(markOf(bucket))) === undefined) return;
    const sizes = await this.#tables.sizes(bucket);
    const others = await this.#otherManifests(bucket, sizes, files);
    // Files of a version that cannot be read must stay. The next build that replaces the table removes all others.
    if (!others) return;
    const paths = unnamedFiles(sizes, files, others);
    await removeObjects(
      this.#s3,
      paths.map((path) => `${bucket}.lance/${path}`),
    );
    await this.end(bucket);
  }

  /** Reads the manifests of versions that other clients made. @returns undefined if one cannot be read */
  async #otherManifests(
    bucket: string,
    sizes: ReadonlyMap<string, number>,
    files: readonly TableFile[],
  ): Promise<TableManifest[] | undefined> {
    const own = new Set(files.map(({ path }) => path));
    const paths = [...sizes.keys()].filter((path) => path.startsWith('_versions/') && !own.has(path));
    const contents = await mapConcurrently(paths, MANIFESTS_AT_ONCE, (path) =>
      this.#tables.read(`${bucket}.lance/${path}`),
    );
    try {
      return contents.map(readManifest);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return undefined;
    }
  }

  /** Lists the buckets that may have such files. */
  async buckets(): Promise<string[]> {
    const names = await this.#store.list('_pending');
    return names.filter((name) => name.endsWith(ENDING)).map((name) => name.slice(0, -ENDING.length));
  }
}

function markOf(bucket: string): string {
  return `_pending/${bucket}${ENDING}`;
}
