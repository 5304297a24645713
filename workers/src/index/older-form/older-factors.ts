import type { LancePage } from '../../lance/format/file-format.ts';
import { LanceFileReader } from '../../lance/format/file-reader.ts';
import { unpackCodes } from '../pack-codes.ts';
import { rotate } from '../rotation.ts';
import { toOlderForm } from './older-form.ts';

const FACTOR_BYTES = 4;

/** The partitions of an index: all threads share them. */
export interface IndexPartitions {
  /** `auxiliary.idx` */
  path: string;
  dimension: number;
  /** [partitions, D] */
  centroids: Float32Array;
  /** The bits that define the rotation. */
  signs: Uint8Array;
}

/** Rows [first, end) of an index, of one partition: whole groups of packed codes, or up to the partition's end. */
export interface PartitionRows {
  partition: number;
  first: number;
  end: number;
}

/** Rewrites the factors of an IVF_RQ index that LanceDB made into the older form, in place (docs/adr/0019). */
export class OlderFactors {
  readonly #partitions: IndexPartitions;
  readonly #file: LanceFileReader;
  readonly #codes: readonly LancePage[];
  readonly #factors: readonly (readonly LancePage[])[];

  private constructor(
    partitions: IndexPartitions,
    file: LanceFileReader,
    codes: readonly LancePage[],
    factors: readonly (readonly LancePage[])[],
  ) {
    this.#partitions = partitions;
    this.#file = file;
    this.#codes = codes;
    this.#factors = factors;
  }

  /** Opens the index file. @returns undefined if its columns have another layout */
  static async open(partitions: IndexPartitions): Promise<OlderFactors | undefined> {
    const file = await LanceFileReader.open(partitions.path, 'r+');
    const codes = await file.pages('_rabit_codes', partitions.dimension / 8);
    const [add, scale] = await Promise.all(
      ['__add_factors', '__scale_factors'].map((name) => file.pages(name, FACTOR_BYTES)),
    );
    if (codes && add && scale) return new OlderFactors(partitions, file, codes, [add, scale]);
    await file.close();
    return undefined;
  }

  async rewrite({ partition, first, end }: PartitionRows): Promise<void> {
    const { dimension, centroids, signs } = this.#partitions;
    const rows = end - first;
    const centroid = new Float32Array(centroids.subarray(partition * dimension, (partition + 1) * dimension));
    rotate(centroid, signs);
    const codes = new Uint8Array((rows * dimension) / 8);
    await this.#file.readRows(this.#codes, dimension / 8, first, codes);
    const [add, scale] = [new Float32Array(rows), new Float32Array(rows)];
    for (const [i, values] of [add, scale].entries())
      await this.#file.readRows(this.#factors[i]!, FACTOR_BYTES, first, new Uint8Array(values.buffer));
    toOlderForm(unpackCodes(codes, dimension / 8), centroid, add, scale);
    for (const [i, values] of [add, scale].entries())
      await this.#file.replaceRows(this.#factors[i]!, FACTOR_BYTES, first, new Uint8Array(values.buffer));
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
