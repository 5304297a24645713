import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { looksLikeS3 } from '../base/s3-location.ts';
import { sealedText } from '../base/text/document.ts';
import { isBucketName } from './catalog/bucket-name.ts';
import { type CatalogEntry, type IngestRecord, withoutReplaced } from './catalog/catalog-entry.ts';
import { parseCatalogEntry, parseIngestRecord } from './catalog/parse-entry.ts';
import { findReplacement } from './catalog/replaced-buckets.ts';
import {
  controlCharacters,
  emptyAddress,
  noBuckets,
  replacedBucket,
  unknownBucket,
  unknownScheme,
} from './database-messages.ts';
import type { BucketLocks, DatabaseParts } from './database-parts.ts';
import { openLocal } from './local/local-database.ts';
import type { NodeTables } from './node-tables.ts';
import type { ObjectStore } from './object-store.ts';
import type { TablePublisher } from './table-publisher.ts';
import type { TableReader } from './table-reader.ts';

const CATALOG = '_catalog';
const PENDING = '_pending';
const READS_AT_ONCE = 16;
const MOST_LISTINGS = 10;

/** What tells which buckets are part of the database. */
type Named = Pick<CatalogEntry, 'bucket' | 'fingerprint' | 'replaces'>;

/**
 * A LanceDB database with LanceFlow's catalog: `<bucket>.lance/` tables, `_catalog/<bucket>.json` for each
 * bucket that is part of the database, `_pending/<bucket>.json` for each that is being built.
 */
export class Database {
  /** Absolute folder, or `s3://bucket/prefix`. */
  readonly uri: string;
  readonly tables: TableReader;
  readonly publisher: TablePublisher;
  readonly nodeTables: NodeTables;
  readonly locks: BucketLocks;
  /** Creates the database's folder if it does not exist. */
  readonly create: () => Promise<void>;
  /** @throws DataError if the folder, or the bucket on S3, does not exist */
  readonly requireExists: () => Promise<void>;
  readonly #store: ObjectStore;

  private constructor({ uri, store, tables, publisher, nodeTables, locks, create, requireExists }: DatabaseParts) {
    this.uri = uri;
    this.tables = tables;
    this.publisher = publisher;
    this.nodeTables = nodeTables;
    this.locks = locks;
    this.create = create;
    this.requireExists = requireExists;
    this.#store = store;
  }

  /**
   * Opens a database, which may be empty or not exist yet.
   * @param work --work: fast folder of this node for tables that are built or fetched
   * @throws UsageError if `uri` is neither a folder nor s3://
   */
  static async open(uri: string, work?: string): Promise<Database> {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: LanceDB refuses these in paths
    if (/[\x00-\x1f\x7f]/.test(uri)) throw new UsageError(controlCharacters(uri));
    if (uri.trim() === '') throw new UsageError(emptyAddress);
    if (looksLikeS3(uri)) {
      // Loaded only for S3, because the AWS SDK loads slowly.
      const { openRemote } = await import('./s3/s3-database.ts');
      return new Database(await openRemote(uri, work));
    }
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]?.toLowerCase();
    if (scheme !== undefined) throw new UsageError(unknownScheme(uri, scheme));
    return new Database(openLocal(uri, work));
  }

  /** Returns this database with another reader of its tables, such as one of copies on this node. */
  withTables(tables: TableReader): Database {
    const { uri, publisher, nodeTables, locks, create, requireExists } = this;
    return new Database({ uri, store: this.#store, tables, publisher, nodeTables, locks, create, requireExists });
  }

  /** Reads the catalog entries of all buckets that are part of the database, sorted by name. */
  async entries(): Promise<CatalogEntry[]> {
    return withoutReplaced(await this.allEntries());
  }

  /**
   * Reads all catalog entries, also of buckets that another one replaces. Reads them again where one was removed meanwhile: its rows may
   * be in a bucket that was not listed yet.
   */
  allEntries(): Promise<CatalogEntry[]> {
    return this.#allEntries((entry) => entry);
  }

  /**
   * Reads the catalog entries of all buckets that are part of the database, and keeps of each what `use` returns: entries of large buckets
   * have hundreds of kilobytes.
   * @returns the results, sorted by name
   */
  async mapEntries<T extends Named>(use: (entry: CatalogEntry) => T | Promise<T>): Promise<T[]> {
    return withoutReplaced(await this.#allEntries(use));
  }

  async #allEntries<T>(use: (entry: CatalogEntry) => T | Promise<T>): Promise<T[]> {
    const parse = (text: string, bucket: string, where: string) => use(parseCatalogEntry(text, bucket, where));
    for (let attempt = 1; ; attempt++) {
      const names = await this.#namesIn(CATALOG);
      const entries = await this.#readAll(CATALOG, parse, names);
      if (entries.length === names.length || attempt === MOST_LISTINGS) return entries;
    }
  }

  /** Lists the names of all buckets with an entry, sorted. `withoutReplaced` tells which are part of the database. */
  entryNames(): Promise<string[]> {
    return this.#namesIn(CATALOG);
  }

  /** Reads the catalog entry of a bucket; undefined if the bucket is not part of the database. */
  async entry(bucket: string): Promise<CatalogEntry | undefined> {
    const text = await this.#store.read(`${CATALOG}/${bucket}.json`);
    return text === undefined ? undefined : parseCatalogEntry(text, bucket, `${this.uri}/${CATALOG}/${bucket}.json`);
  }

  /** Reads the catalog entry of a bucket unless it still has this ETag. @returns undefined if the bucket is not part of the database */
  async entryIfChanged(
    bucket: string,
    etag: string | undefined,
  ): Promise<{ entry: CatalogEntry; etag: string } | 'unchanged' | undefined> {
    const found = await this.#store.readIfChanged(`${CATALOG}/${bucket}.json`, etag);
    if (found === undefined || found === 'unchanged') return found;
    const entry = parseCatalogEntry(found.text, bucket, `${this.uri}/${CATALOG}/${bucket}.json`);
    return { entry, etag: found.etag };
  }

  /** Reads the catalog entry of a bucket. @throws DataError that names the bucket that replaced it, or all buckets, if it does not exist */
  async requireEntry(bucket: string): Promise<CatalogEntry> {
    const entry = await this.entry(bucket);
    if (entry) return entry;
    const by = await findReplacement(this, bucket, undefined);
    if (by !== undefined) throw new DataError(replacedBucket(this.uri, bucket, by));
    const names = await this.entryNames();
    throw new DataError(names.length === 0 ? noBuckets(this.uri) : unknownBucket(this.uri, bucket, names));
  }

  /** Makes a bucket part of the database, or replaces its entry. */
  writeEntry(entry: CatalogEntry): Promise<void> {
    return this.#store.write(`${CATALOG}/${entry.bucket}.json`, sealedText(entry));
  }

  /** Removes a bucket from the database; its table stays. */
  removeEntry(bucket: string): Promise<void> {
    return this.#store.remove(`${CATALOG}/${bucket}.json`);
  }

  /** Reads the ingest records of buckets that are planned or ingested but not indexed yet. */
  pending(): Promise<IngestRecord[]> {
    return this.#readAll(PENDING, parseIngestRecord);
  }

  /** Lists the names of buckets that are planned or ingested but not indexed yet, sorted. */
  pendingNames(): Promise<string[]> {
    return this.#namesIn(PENDING);
  }

  /** Reads the ingest record of a bucket; undefined if it has none. */
  async pendingRecord(bucket: string): Promise<IngestRecord | undefined> {
    const text = await this.#store.read(`${PENDING}/${bucket}.json`);
    return text === undefined ? undefined : parseIngestRecord(text, bucket, `${this.uri}/${PENDING}/${bucket}.json`);
  }

  writePending(record: IngestRecord): Promise<void> {
    return this.#store.write(`${PENDING}/${record.bucket}.json`, sealedText(record));
  }

  /** Reserves a bucket's name. @returns false if another build has it */
  createPending(record: IngestRecord): Promise<boolean> {
    return this.#store.create(`${PENDING}/${record.bucket}.json`, sealedText(record));
  }

  removePending(bucket: string): Promise<void> {
    return this.#store.remove(`${PENDING}/${bucket}.json`);
  }

  /** Creates a small file unless it exists. @param path relative to the database @returns whether it was created */
  createFile(path: string, content: string | Uint8Array): Promise<boolean> {
    return this.#store.create(path, content);
  }

  /** Replaces a small file in one step. @param path relative to the database */
  writeFile(path: string, text: string): Promise<void> {
    return this.#store.write(path, text);
  }

  /** Reads a small file; undefined if it does not exist. @param path relative to the database */
  readFile(path: string): Promise<string | undefined> {
    return this.#store.read(path);
  }

  /** Removes small files that exist, one after the other. @param paths relative to the database */
  async removeFiles(paths: readonly string[]): Promise<void> {
    for (const path of paths) await this.#store.remove(path);
  }

  async #readAll<T>(
    folder: string,
    parse: (text: string, bucket: string, where: string) => T | Promise<T>,
    names?: readonly string[],
  ): Promise<T[]> {
    const records = await mapConcurrently(names ?? (await this.#namesIn(folder)), READS_AT_ONCE, async (bucket) => {
      const path = `${folder}/${bucket}.json`;
      const text = await this.#store.read(path);
      return text === undefined ? undefined : parse(text, bucket, `${this.uri}/${path}`);
    });
    // Another build may remove its record between the listing and the read.
    return records.filter((record) => record !== undefined);
  }

  async #namesIn(folder: string): Promise<string[]> {
    const names = await this.#store.list(folder);
    return names.flatMap((name) => {
      const bucket = name.replace(/\.json$/, '');
      return bucket !== name && isBucketName(bucket) ? [bucket] : [];
    });
  }
}
