import { sharedArray } from '../../base/bytes/shared-array.ts';
import { GraphBuilder } from '../../onnx/graph-builder.ts';
import { createProductSession, Tensor } from '../../onnx/product-session.ts';
import type { Centroids } from '../../vectors/kmeans.ts';
import { type ColumnBlocks, consecutive, encodeColumns, halfSquares, padded, scaleOf } from './column-blocks.ts';

/** Largest code of a centroid that is rescored: its products are not those of ONNX Runtime, and exact anyway. */
const LARGEST_RESCORED = 127;
/** Centroids that a basis is computed from. */
const BASIS_CENTROIDS = 4096;
const POWER_ROUNDS = 2;

/**
 * Rows and centroids in the few directions in which centroids differ most. Short codes find a row's candidates, and where there are
 * several, all components decide between these. Without clusters, one candidate gives the higher recall: in directions in which centroids
 * hardly differ, they are the chance means of the rows that they were trained on.
 */
export interface ShortCodes {
  /** Components of short codes, padded. */
  width: number;
  /** The directions, as columns in one block. */
  projection: ColumnBlocks;
  /** Candidates of a row, which are scored again by all components. */
  kept: number;
  /** int8 [centroids, width of rows]; empty where a row has one candidate */
  centroids: Int8Array;
  /** float32 scales and biases of the centroids [2, centroids]; empty where a row has one candidate */
  terms: Float32Array;
}

/** Directions in which centroids differ, most first: [count, dimension], orthonormal. */
export interface Basis {
  count: number;
  vectors: Float32Array;
  /** The centroids in these directions: [centroids, count]. */
  projected: Float32Array;
}

/** Computes the first principal directions of centred centroids, about, by orthogonal iteration. */
export async function findBasis({ count, dimension, vectors }: Centroids, directions: number): Promise<Basis> {
  const used = Math.min(count, BASIS_CENTROIDS);
  const some = new Float32Array(used * dimension);
  const rowOf = (row: number) => vectors.subarray(row * dimension, (row + 1) * dimension);
  for (let i = 0; i < used; i++) some.set(rowOf(Math.floor((i * count) / used)), i * dimension);
  let basis = new Float32Array(directions * dimension);
  for (let i = 0; i < directions; i++) basis.set(rowOf(Math.floor(((i + 0.5) * count) / directions)), i * dimension);
  orthonormalize(basis, dimension);
  const session = await createProductSession(powerGraph(dimension), 1);
  try {
    const run = async (rows: Float32Array) => {
      const { projected, power } = await session.run({
        rows: new Tensor('float32', rows, [rows.length / dimension, dimension]),
        basis: new Tensor('float32', basis, [directions, dimension]),
      });
      return { projected: projected!.data as Float32Array, power: power!.data as Float32Array };
    };
    for (let round = 0; round < POWER_ROUNDS; round++) {
      basis = (await run(some)).power.slice();
      orthonormalize(basis, dimension);
    }
    return { count: directions, vectors: basis, projected: (await run(vectors)).projected.slice() };
  } finally {
    await session.release();
  }
}

/** `projected` = rows x basis^T, `power` = projected^T x rows. */
function powerGraph(dimension: number) {
  const graph = new GraphBuilder();
  const rows = graph.input('rows', 'float32', ['n', dimension]);
  const basis = graph.input('basis', 'float32', ['m', dimension]);
  const transposed = { perm: { ints: [1, 0] } };
  const projected = graph.op('MatMul', [rows, graph.op('Transpose', [basis], transposed)]);
  graph.output('projected', projected, 'float32', ['n', 'm']);
  const power = graph.op('MatMul', [graph.op('Transpose', [projected], transposed), rows]);
  graph.output('power', power, 'float32', ['m', dimension]);
  return graph.model();
}

/** Gram-Schmidt, row by row. A row that depends on those before it becomes zero. */
function orthonormalize(rows: Float32Array, dimension: number): void {
  for (let at = 0; at < rows.length; at += dimension) {
    const own = rows.subarray(at, at + dimension);
    const length = Math.sqrt(dot(own, own));
    for (let before = 0; before < at; before += dimension) {
      const other = rows.subarray(before, before + dimension);
      const product = dot(own, other);
      for (let i = 0; i < dimension; i++) own[i]! -= product * other[i]!;
    }
    const rest = Math.sqrt(dot(own, own));
    const scale = rest > 1e-4 * length ? 1 / rest : 0;
    for (let i = 0; i < dimension; i++) own[i]! *= scale;
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Cuts projected vectors to their first directions. @param projected [n, count] @returns [n, directions] */
export function firstDirections(projected: Float32Array, count: number, directions: number): Float32Array {
  const first = new Float32Array((projected.length / count) * directions);
  for (let row = 0; row * count < projected.length; row++)
    first.set(projected.subarray(row * count, row * count + directions), row * directions);
  return first;
}

/** Projects vectors onto the first directions of a basis. @returns [n, directions] */
export function project(vectors: Float32Array, dimension: number, basis: Basis, directions: number): Float32Array {
  return Float32Array.from({ length: (vectors.length / dimension) * directions }, (_, i) => {
    const start = Math.floor(i / directions) * dimension;
    const direction = (i % directions) * dimension;
    let sum = 0;
    for (let j = 0; j < dimension; j++) sum += vectors[start + j]! * basis.vectors[direction + j]!;
    return sum;
  });
}

/** How short codes are made. */
export interface ShortForm {
  basis: Basis;
  /** The first ones of the basis that codes have. */
  directions: number;
  kept: number;
}

/** @param centroids less what they have in common */
export function shortCodes(centroids: Centroids, { basis, directions, kept }: ShortForm): ShortCodes {
  const { dimension } = centroids;
  const targets = { vectors: basis.vectors, dimension, biases: new Float32Array(directions) };
  const projection = encodeColumns(targets, [consecutive(directions)]);
  return { width: padded(directions), projection, kept, ...encodeRows(centroids, kept > 1 ? centroids.count : 0) };
}

/** Encodes the first `count` centroids by all components. */
function encodeRows({ dimension, vectors }: Centroids, count: number): Pick<ShortCodes, 'centroids' | 'terms'> {
  const width = padded(dimension);
  const codes = sharedArray(count * width, Int8Array);
  const terms = sharedArray(2 * count, Float32Array);
  terms.set(halfSquares(vectors.subarray(0, count * dimension), dimension), count);
  for (let centroid = 0; centroid < count; centroid++) {
    const vector = vectors.subarray(centroid * dimension, (centroid + 1) * dimension);
    const scale = scaleOf(vector, LARGEST_RESCORED);
    for (let i = 0; i < dimension; i++) codes[centroid * width + i] = Math.round(vector[i]! / scale);
    terms[centroid] = scale;
  }
  return { centroids: codes, terms };
}
