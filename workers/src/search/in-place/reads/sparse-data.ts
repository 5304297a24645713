import { concatenateColumns, type Utf8Column } from '../../../base/bytes/utf8-column.ts';
import { mapConcurrently } from '../../../base/concurrency/map-concurrently.ts';
import type { OpenBucket } from '../../../bucket/open-bucket.ts';
import type { RangeFile } from '../../../database/table-reader.ts';
import { FRAGMENT_ROWS } from '../../../lance/format/file-format.ts';
import { type BufferPage, LanceFileReader } from '../../../lance/format/file-reader.ts';
import { COMPONENT_BYTES } from '../../../vectors/vector-type.ts';
import { GAP_BYTES, planRowReads } from './row-reads.ts';
import { END_BYTES, SparseFile } from './sparse-file.ts';
import { fillIds, readIds } from './sparse-ids.ts';

/** All ids of a file are read with its metadata if they are no longer: each request for some of them would take as long. */
const IDS_BYTES = 2 ** 17;
/** Files that a step of a query reads at once: as many as there are connections. */
const FILES_AT_ONCE = 64;

interface DataFile {
  file: SparseFile;
  /** Pages of the ids: the end of each row's text, then the texts. */
  idPages: BufferPage[];
}

/** The data files of a table, of which vectors and ids are read row by row. */
export class SparseData {
  readonly #bucket: OpenBucket;
  readonly #folder: string;
  readonly #files = new Map<number, Promise<DataFile>>();
  /** Of vectors that are not kept. */
  readonly #sources = new Map<number, Promise<RangeFile>>();

  /** @param bucket with fragments @param folder of the database's copy */
  constructor(bucket: OpenBucket, folder: string) {
    this.#bucket = bucket;
    this.#folder = folder;
  }

  /**
   * Reads ids into the files, unless they are there.
   * @param rowIds of LanceDB, ascending
   */
  async fill(rowIds: Float64Array): Promise<void> {
    await mapConcurrently(byFragment(rowIds), FILES_AT_ONCE, async ({ fragment, rows }) => {
      const { file, idPages } = await this.#open(fragment);
      await file.opened(() => fillIds(file, idPages, rows));
    });
  }

  /** Reads vectors into the files, unless they are there. @param rowIds of LanceDB, ascending @param spareRows that may be read besides */
  async fillVectors(rowIds: Float64Array, spareRows: number): Promise<void> {
    const { entry } = this.#bucket;
    const bytes = vectorBytes(entry);
    const reads = planRowReads(rowIds, Number.MAX_SAFE_INTEGER, spareRows, GAP_BYTES / bytes);
    const byFile = Map.groupBy(reads, ({ fragment }) => fragment);
    await mapConcurrently(byFile, FILES_AT_ONCE, async ([fragment, ofFile]) => {
      const { file } = await this.#open(fragment);
      const { offset } = entry.fragments![fragment]!;
      const ranges = ofFile.map(({ first, rows }) => ({ offset: offset + first * bytes, bytes: rows * bytes }));
      await file.fill(ranges);
    });
  }

  /** Reads ids. @param rowIds of LanceDB, ascending */
  async ids(rowIds: Float64Array): Promise<Utf8Column> {
    const columns = await mapConcurrently(byFragment(rowIds), FILES_AT_ONCE, async ({ fragment, rows }) => {
      const { file, idPages } = await this.#open(fragment);
      return file.opened(() => readIds(file, idPages, rows));
    });
    return concatenateColumns(columns);
  }

  /** Reads the vectors of consecutive rows, which are not kept. */
  async readVectors({ fragment, first }: { fragment: number; first: number }, into: Uint8Array): Promise<void> {
    const { entry } = this.#bucket;
    const source = await this.#source(fragment);
    await source.read(into, entry.fragments![fragment]!.offset + first * vectorBytes(entry));
  }

  async filledBytes(): Promise<number> {
    const files = await Promise.all(this.#files.values());
    return files.reduce((sum, { file }) => sum + file.filledBytes, 0);
  }

  async close(): Promise<void> {
    for (const opening of this.#files.values()) await opening.then(({ file }) => file.close()).catch(() => {});
    for (const opening of this.#sources.values()) await opening.then((source) => source.close()).catch(() => {});
  }

  #source(fragment: number): Promise<RangeFile> {
    const { entry, database } = this.#bucket;
    const place = `${entry.bucket}.lance/${entry.fragments![fragment]!.path}`;
    return keep(this.#sources, fragment, () => database.tables.openFile(place));
  }

  #open(fragment: number): Promise<DataFile> {
    return keep(this.#files, fragment, () => this.#create(fragment));
  }

  async #create(fragment: number): Promise<DataFile> {
    const { entry } = this.#bucket;
    const { path, offset, rows } = entry.fragments![fragment]!;
    const place = `${entry.bucket}.lance/${path}`;
    const { bytes } = entry.files.find((file) => file.path === path)!;
    const file = await SparseFile.create(`${this.#folder}/${place}`, bytes, await this.#source(fragment));
    try {
      // After the vectors.
      const endBytes = bytes - offset - rows * vectorBytes(entry);
      await file.fillMetadata(endBytes <= IDS_BYTES ? Math.max(END_BYTES, endBytes) : END_BYTES);
      return { file, idPages: await readIdPages(file.path, place) };
    } catch (error) {
      // The next query creates it again.
      this.#sources.delete(fragment);
      await file.abandon();
      throw error;
    }
  }
}

/** Returns what was made for a key, or makes it; after a failure, it is made again. */
function keep<T>(kept: Map<number, Promise<T>>, key: number, make: () => Promise<T>): Promise<T> {
  const known = kept.get(key);
  if (known) return known;
  const made = make();
  kept.set(key, made);
  made.catch(() => kept.delete(key));
  return made;
}

function vectorBytes({ dimension, vectorType }: OpenBucket['entry']): number {
  return dimension * COMPONENT_BYTES[vectorType];
}

async function readIdPages(path: string, place: string): Promise<BufferPage[]> {
  const reader = await LanceFileReader.open(path);
  try {
    const pages = await reader.bufferPages('id');
    if (!pages?.every(({ buffers }) => buffers.length === 2))
      throw new RangeError(`lance: ${place}: ids of unknown form`);
    return pages;
  } finally {
    await reader.close();
  }
}

/** Divides rows by fragment. @param rowIds of LanceDB, ascending @returns rows of each, counted from its first */
function byFragment(rowIds: Float64Array): { fragment: number; rows: Float64Array }[] {
  const parts = [];
  for (let from = 0; from < rowIds.length; ) {
    const fragment = Math.floor(rowIds[from]! / FRAGMENT_ROWS);
    let to = from;
    while (to < rowIds.length && rowIds[to]! < (fragment + 1) * FRAGMENT_ROWS) to++;
    parts.push({ fragment, rows: rowIds.subarray(from, to).map((row) => row % FRAGMENT_ROWS) });
    from = to;
  }
  return parts;
}
