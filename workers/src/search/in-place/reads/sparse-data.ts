import type { OpenBucket } from '../../../bucket/open-bucket.ts';
import type { FragmentFile } from '../../../database/catalog/catalog-entry.ts';
import type { ByteRange } from '../../../lance/format/file-format.ts';
import { type BufferPage, LanceFileReader } from '../../../lance/format/file-reader.ts';
import { COMPONENT_BYTES } from '../../../vectors/vector-type.ts';
import { SparseFile } from './sparse-file.ts';

/** Bytes between two rows that are read with them: a request costs the time of more. */
const VECTOR_GAP_BYTES = 8192;
/** Rows between two ids that are read with them. */
const ID_GAP_ROWS = 512;
const END_BYTES = 8;
const FRAGMENT_ROWS = 2 ** 32;

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

  /** @param bucket with fragments @param folder of the database's copy */
  constructor(bucket: OpenBucket, folder: string) {
    this.#bucket = bucket;
    this.#folder = folder;
  }

  /** Reads rows, unless they are there. @param rowIds of LanceDB, in any order @param vectors whether their vectors are needed too */
  async fill(rowIds: Float64Array, vectors: boolean): Promise<void> {
    const sorted = rowIds.slice().sort();
    const tasks: Promise<void>[] = [];
    for (let from = 0; from < sorted.length; ) {
      const fragment = Math.floor(sorted[from]! / FRAGMENT_ROWS);
      let to = from;
      while (to < sorted.length && sorted[to]! < (fragment + 1) * FRAGMENT_ROWS) to++;
      const rows = sorted.subarray(from, to).map((row) => row % FRAGMENT_ROWS);
      tasks.push(this.#fillFragment(fragment, rows, vectors));
      from = to;
    }
    await Promise.all(tasks);
  }

  async filledBytes(): Promise<number> {
    const files = await Promise.all(this.#files.values());
    return files.reduce((sum, { file }) => sum + file.filledBytes, 0);
  }

  async close(): Promise<void> {
    for (const opening of this.#files.values()) await opening.then(({ file }) => file.close()).catch(() => {});
  }

  async #fillFragment(fragment: number, rows: Float64Array, vectors: boolean): Promise<void> {
    const { file, idPages } = await this.#open(fragment);
    const ids = fillIds(file, idPages, rows);
    if (vectors) await file.fill(vectorRanges(this.#bucket, fragment, rows), VECTOR_GAP_BYTES);
    await ids;
  }

  #open(fragment: number): Promise<DataFile> {
    const known = this.#files.get(fragment);
    if (known) return known;
    const opening = this.#create(this.#bucket.entry.fragments![fragment]!);
    this.#files.set(fragment, opening);
    opening.catch(() => this.#files.delete(fragment));
    return opening;
  }

  async #create({ path }: FragmentFile): Promise<DataFile> {
    const { entry, database } = this.#bucket;
    const place = `${entry.bucket}.lance/${path}`;
    const { bytes } = entry.files.find((file) => file.path === path)!;
    const source = await database.tables.openFile(place);
    const file = await SparseFile.create(`${this.#folder}/${place}`, bytes, source);
    try {
      await file.fillMetadata();
      return { file, idPages: await readIdPages(file.path, place) };
    } catch (error) {
      // The next query creates it again.
      await file.abandon();
      throw error;
    }
  }
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

function vectorRanges({ entry }: OpenBucket, fragment: number, rows: Float64Array): ByteRange[] {
  const bytes = entry.dimension * COMPONENT_BYTES[entry.vectorType];
  const { offset } = entry.fragments![fragment]!;
  return Array.from(rows, (row) => ({ offset: offset + row * bytes, bytes }));
}

/** Reads ids in spans of rows: first where their texts end, then the texts. @param rows ascending */
async function fillIds(file: SparseFile, pages: readonly BufferPage[], rows: Float64Array): Promise<void> {
  const spans = pages.flatMap((page) => spansIn(page, rows));
  const endRange = ({ page, first, end }: IdSpan): ByteRange => ({
    // The text of a row begins where that of the row before ends.
    offset: page.buffers[0]!.offset + END_BYTES * Math.max(0, first - 1),
    bytes: END_BYTES * (end - Math.max(0, first - 1)),
  });
  await file.fill(spans.map(endRange), 0);
  const texts: ByteRange[] = [];
  for (const span of spans) {
    const { offset, bytes } = endRange(span);
    const ends = new BigUint64Array(bytes / END_BYTES);
    await file.readBack(new Uint8Array(ends.buffer), offset);
    const start = span.first === 0 ? 0 : Number(ends[0]!);
    texts.push({ offset: span.page.buffers[1]!.offset + start, bytes: Number(ends.at(-1)!) - start });
  }
  await file.fill(texts, 0);
}

/** Rows [first, end) of a page. */
interface IdSpan {
  page: BufferPage;
  first: number;
  end: number;
}

function spansIn(page: BufferPage, rows: Float64Array): IdSpan[] {
  const spans: IdSpan[] = [];
  for (const row of rows) {
    const at = row - page.firstRow;
    if (at < 0 || at >= page.rows) continue;
    const last = spans.at(-1);
    if (last && at <= last.end + ID_GAP_ROWS) last.end = at + 1;
    else spans.push({ page, first: at, end: at + 1 });
  }
  return spans;
}
