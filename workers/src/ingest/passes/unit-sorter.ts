import type { AssignPlan } from '../assign/assign-plan.ts';
import { type Assigner, createAssigner } from '../assign/assigner.ts';
import { PartitionLengths, type SharedLengths } from '../partition-lengths.ts';
import { type Run, RunFiles } from './run-files.ts';
import {
  columnCount,
  type HashedBlock,
  type RowFormat,
  type RunReader,
  type RunRows,
  type UnitRequest,
} from './run-reader.ts';
import { RunWriter, type SharedRuns } from './run-writer.ts';
import { convertVectors } from './vector-buffers.ts';

/** What all threads share that sort. */
export interface SortOrder {
  assignPlan: AssignPlan;
  runs: SharedRuns;
  /** Defined if long rows have partitions of their own. */
  lengths: { usual: number; shared: SharedLengths } | undefined;
  /** Rows of a unit. */
  unitRows: number;
}

/** Reads units of a bucket, assigns their rows to partitions, and writes them as sorted runs. */
export class UnitSorter {
  readonly #bucket: RowFormat;
  readonly #assigner: Assigner;
  readonly #lengths: PartitionLengths | undefined;
  readonly #files: RunFiles;
  readonly #writer: RunWriter;
  /** The partition of each row since the last run. */
  readonly #partitions: Int32Array;

  private constructor(bucket: RowFormat, assigner: Assigner, files: RunFiles, order: SortOrder) {
    const { lengths, runs, unitRows } = order;
    this.#bucket = bucket;
    this.#assigner = assigner;
    this.#lengths = lengths && new PartitionLengths(bucket.dimension, lengths.usual, lengths.shared);
    this.#files = files;
    this.#writer = new RunWriter(files, runs, bucket.dimension, bucket.vectorType);
    this.#partitions = new Int32Array(unitRows);
  }

  /** @param scratch folder of the files of runs */
  static async create(bucket: RowFormat, scratch: string, order: SortOrder): Promise<UnitSorter> {
    const assigner = await createAssigner(order.assignPlan, { threads: 1 });
    return new UnitSorter(bucket, assigner, new RunFiles(scratch, columnCount(bucket)), order);
  }

  /** @returns the runs of a unit: one, or several where ids or kept columns are long; and what `reader` returned */
  async sort(unit: UnitRequest, reader: RunReader, hash: (block: HashedBlock) => Promise<void>) {
    const written: Run[] = [];
    let filled = 0;
    const attributes = await reader.read(unit, {
      hash,
      onBlock: async (vectors, rows) => {
        const partitions = this.#partitions.subarray(filled, filled + rows);
        await this.#assigner.assign(vectors, rows, partitions);
        this.#lengths?.measure(vectors, partitions);
        filled += rows;
      },
      take: async (rows) => {
        const partitions = this.#partitions.subarray(0, filled);
        this.#placeLong(unit.number, rows, partitions);
        written.push(this.#writer.write(rows.firstRow, rows.vectors, rows.columns, partitions));
        filled = 0;
      },
    });
    this.#lengths?.end(unit.number);
    return { written, attributes };
  }

  async close(): Promise<void> {
    this.#files.close();
    await this.#assigner.close();
  }

  #placeLong(unit: number, { vectors }: RunRows, partitions: Int32Array): void {
    if (!this.#lengths) return;
    const { dimension } = this.#bucket;
    this.#lengths.awaitTurn(unit);
    this.#lengths.place(partitions, (row) => {
      const vector = vectors.subarray(row * dimension, (row + 1) * dimension);
      return vector instanceof Float32Array
        ? vector
        : (convertVectors(vector, new Float32Array(dimension)) as Float32Array);
    });
  }
}
