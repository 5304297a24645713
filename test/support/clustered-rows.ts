import { seededRandom } from '../../workers/src/base/random.ts';

/** Makes rows around a number of centres, which are the same for every seed. @returns [rows, dimension] for a seed */
export function clusteredRows(dimension: number, clusters: number) {
  const centres = normal(42, clusters * dimension);
  return (seed: number, rows: number, unit = false): Float32Array => {
    const random = seededRandom(seed);
    const made = normal(seed + 1000, rows * dimension).map((x) => 0.4 * x);
    for (let row = 0; row < rows; row++) {
      const cluster = Math.floor(random() * clusters);
      const own = made.subarray(row * dimension, (row + 1) * dimension);
      for (let i = 0; i < dimension; i++) own[i]! += centres[cluster * dimension + i]!;
      const length = unit ? Math.sqrt(own.reduce((sum, x) => sum + x * x, 0)) : 1;
      for (let i = 0; i < dimension; i++) own[i]! /= length;
    }
    return made;
  };
}

function normal(seed: number, count: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
}
