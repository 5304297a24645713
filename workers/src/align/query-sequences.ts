import { KEY_BYTES, KeyIndex } from '../base/bytes/key-index.ts';
import { murmur3 } from '../base/bytes/murmur3.ts';
import { columnBytes, columnLength, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { isNullCell } from '../base/columns/cells.ts';
import { DataError } from '../base/errors.ts';
import { quoteId } from '../base/text/quote.ts';
import { readFasta } from '../fasta/fasta.ts';
import { findVectorKind } from '../shard/layouts/vector-kind.ts';
import { readBlocks } from '../shard/shard-blocks.ts';
import { openShard } from '../shard/shard-reader.ts';
import { ALIGN_MESSAGES } from './align-messages.ts';
import { encodeResidues, type Residues } from './local/residues.ts';

/** Records of a block; the number of a query is that of its block times this, plus its position. */
const BLOCK_RECORDS = 4096;
/** The column of a shard. */
const SEQUENCE = 'sequence';
const BLOCK_RESIDUES = 4 * 1024 * 1024;

const NO_RESIDUES = new Uint8Array(0);

/** The sequences of queries by id: a byte a residue, and 30 bytes a query; 4 bytes for each that is not wanted. */
export class QuerySequences {
  readonly #wanted: KeyIndex | undefined;
  readonly #blocks: { offsets: Int32Array; residues: Uint8Array }[] = [];
  readonly #index = new KeyIndex(Number.POSITIVE_INFINITY);
  readonly #key = new Uint32Array(KEY_BYTES / 4);

  /** @param wanted queries to keep, by the hashes of their ids (murmur3, 128 bits). Default: all */
  constructor(wanted?: KeyIndex) {
    this.#wanted = wanted;
  }

  /**
   * Reads a file of queries: FASTA, or a shard with the column `sequence`.
   * @throws DataError if the file is damaged, has no sequences, or a wanted id has two
   */
  async addFile(path: string): Promise<void> {
    await ((await findVectorKind(path)) === undefined ? this.#addFasta(path) : this.#addShard(path));
  }

  async #addFasta(path: string): Promise<void> {
    const limits = { records: BLOCK_RECORDS, residues: BLOCK_RESIDUES, allowNucleotide: true, onSkipped: () => {} };
    for await (const { ids, sequences } of readFasta(path, limits))
      this.#addBlock(path, ids, (row) => encodeResidues(Buffer.from(sequences[row]!, 'latin1')));
  }

  async #addShard(path: string): Promise<void> {
    const shard = await openShard(path, {}, [SEQUENCE]);
    try {
      const [column] = shard.columns;
      if (column?.type !== 'utf8') throw new DataError(ALIGN_MESSAGES.shardWithoutSequences(path));
      for await (const { ids, kept } of readBlocks(shard, { blockRows: BLOCK_RECORDS })) {
        const cells = kept[0]!;
        this.#addBlock(path, ids, (row) => {
          if (isNullCell(cells, row))
            throw new DataError(ALIGN_MESSAGES.noQuery(quoteId(columnBytes(ids, row)), [path]));
          return encodeResidues(columnBytes(cells, row));
        });
      }
    } finally {
      shard.close();
    }
  }

  /** Returns the residues of a query, as a view; undefined if its id is unknown. */
  find(id: Uint8Array): Residues | undefined {
    murmur3(id, 0, id.length, this.#key, 0);
    const record = this.#index.get(this.#key, 0);
    return record === undefined ? undefined : this.#residuesOf(record);
  }

  #addBlock(path: string, ids: Utf8Column, residuesOf: (row: number) => Residues): void {
    const sequences = Array.from({ length: columnLength(ids) }, (_, row) =>
      this.#isWanted(columnBytes(ids, row)) ? residuesOf(row) : undefined,
    );
    const offsets = new Int32Array(sequences.length + 1);
    for (const [i, sequence] of sequences.entries()) offsets[i + 1] = offsets[i]! + (sequence?.length ?? 0);
    const residues = new Uint8Array(offsets.at(-1)!);
    for (const [i, sequence] of sequences.entries()) residues.set(sequence ?? NO_RESIDUES, offsets[i]);
    const first = this.#blocks.push({ offsets, residues }) * BLOCK_RECORDS - BLOCK_RECORDS;
    for (const [row, sequence] of sequences.entries()) {
      if (sequence === undefined) continue;
      const id = columnBytes(ids, row);
      const other = this.find(id);
      if (other === undefined) this.#index.add(this.#key, 0, first + row);
      else if (Buffer.compare(other, sequence) !== 0)
        throw new DataError(ALIGN_MESSAGES.twoSequences(path, quoteId(id)));
    }
  }

  #isWanted(id: Uint8Array): boolean {
    if (this.#wanted === undefined) return true;
    murmur3(id, 0, id.length, this.#key, 0);
    return this.#wanted.get(this.#key, 0) !== undefined;
  }

  #residuesOf(record: number): Residues {
    const { offsets, residues } = this.#blocks[Math.floor(record / BLOCK_RECORDS)]!;
    const row = record % BLOCK_RECORDS;
    return residues.subarray(offsets[row], offsets[row + 1]);
  }
}
