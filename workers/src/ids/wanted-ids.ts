import { KEY_BYTES, KeyIndex } from '../base/bytes/key-index.ts';
import { murmur3 } from '../base/bytes/murmur3.ts';
import { columnBytes, columnFrom, columnLength, type Utf8Column } from '../base/bytes/utf8-column.ts';

const KEY_WORDS = KEY_BYTES / 4;

/** A set of ids to find in columns of ids: each once, at its first occurrence, or all occurrences. */
export class WantedIds {
  readonly #ids: Utf8Column;
  readonly #index: KeyIndex;
  readonly #found: Uint8Array;
  readonly #key = new Uint32Array(KEY_WORDS);
  #missingCount: number;

  /** @param ids distinct ids */
  constructor(ids: readonly string[]) {
    this.#ids = columnFrom(ids);
    this.#index = new KeyIndex(ids.length);
    this.#found = new Uint8Array(ids.length);
    this.#missingCount = ids.length;
    for (let i = 0; i < ids.length; i++) {
      this.#hash(this.#ids, i);
      this.#index.add(this.#key, 0, i);
    }
  }

  /** Count of ids not found yet. */
  get missingCount(): number {
    return this.#missingCount;
  }

  /** Returns the positions in `column` of wanted ids that were not found before. */
  find(column: Utf8Column): number[] {
    const rows: number[] = [];
    for (let row = 0; row < columnLength(column) && this.#missingCount > 0; row++)
      if (this.#findAt(column, row) === 'first') rows.push(row);
    return rows;
  }

  /** Returns the positions in `column` of all wanted ids. */
  findAll(column: Utf8Column): number[] {
    const rows: number[] = [];
    for (let row = 0; row < columnLength(column); row++) if (this.#findAt(column, row)) rows.push(row);
    return rows;
  }

  /** Returns whether a row's id is wanted, and whether it is found for the first time. */
  #findAt(column: Utf8Column, row: number): 'first' | 'again' | undefined {
    this.#hash(column, row);
    const wanted = this.#index.get(this.#key, 0);
    if (wanted === undefined) return undefined;
    if (Buffer.compare(columnBytes(this.#ids, wanted), columnBytes(column, row)) !== 0) return undefined;
    if (this.#found[wanted]) return 'again';
    this.#found[wanted] = 1;
    this.#missingCount--;
    return 'first';
  }

  /** Returns the first `limit` ids that were not found, in their order. */
  missing(limit: number): string[] {
    const texts: string[] = [];
    for (let i = 0; i < this.#found.length && texts.length < limit; i++)
      if (!this.#found[i]) texts.push(Buffer.from(columnBytes(this.#ids, i)).toString());
    return texts;
  }

  #hash({ offsets, bytes }: Utf8Column, row: number): void {
    murmur3(bytes, offsets[row]!, offsets[row + 1]!, this.#key, 0);
  }
}
