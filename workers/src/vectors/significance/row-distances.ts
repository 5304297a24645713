import { type LinearForm, productAt } from './linear-form.ts';
import { RowProducts } from './row-products.ts';

/** Rows, and the distances of queries to all of them. */
export class RowDistances {
  readonly #mean: Float32Array;
  readonly #products: RowProducts;
  readonly #centred: Float32Array;

  /** @param mean a point among the rows: near it, float32 is precise [features] */
  constructor(mean: Float32Array, mostRows: number) {
    this.#mean = mean;
    this.#products = new RowProducts(mostRows, mean.length);
    this.#centred = new Float32Array(mean.length);
  }

  /** Adds a row. @param features [features] */
  add(features: Float32Array): void {
    for (const [i, value] of features.entries()) this.#centred[i] = value - this.#mean[i]!;
    this.#products.add(this.#centred);
  }

  /** Computes the distances of a query. @param form of the query @returns [rows], which the next call overwrites */
  of({ constant, weights }: LinearForm): Float32Array {
    const distances = this.#products.of(weights);
    const base = constant + productAt(weights, this.#mean, 0);
    for (let row = 0; row < distances.length; row++) distances[row]! += base;
    return distances;
  }
}
