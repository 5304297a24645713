import { join } from 'node:path';
import { type TableFile, unnamedFiles } from '../../lance/table-files.ts';
import type { S3Bucket } from '../../s3/client.ts';
import { removeObjects } from '../../s3/objects.ts';
import { backgroundThreads, withTransfers } from '../../s3/transfer/transfers.ts';
import { Uploader } from '../../s3/transfer/upload.ts';
import type { ObjectStore } from '../object-store.ts';
import type { EarlyFile, PublishEarly, UnfinishedTable } from '../table-publisher.ts';
import type { TableReader } from '../table-reader.ts';

const ENDING = '.publishing';

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
    const paths = unnamedFiles(await this.#tables.sizes(bucket), files);
    await removeObjects(
      this.#s3,
      paths.map((path) => `${bucket}.lance/${path}`),
    );
    await this.end(bucket);
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
