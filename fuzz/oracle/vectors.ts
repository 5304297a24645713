/** The expected hits, by plain loops. */

export interface Vectors {
  dimension: number;
  ids: readonly string[];
  /** [rows, dimension] */
  vectors: Float32Array;
}

export interface FoundHit {
  query: string;
  target: string;
  distance: number;
}

const TOLERANCE = 1e-5;

/** Returns why hits are not the k nearest rows by cosine distance; undefined where they are. */
export function nearestProblem(
  hits: readonly FoundHit[],
  queries: Vectors,
  rows: Vectors,
  k: number,
): string | undefined {
  const byQuery = Map.groupBy(hits, ({ query }) => query);
  if (byQuery.size !== new Set(queries.ids).size) return `hits of ${byQuery.size} queries, not ${queries.ids.length}`;
  for (const [i, id] of queries.ids.entries()) {
    const found = byQuery.get(id) ?? [];
    if (found.length !== Math.min(k, rows.ids.length)) return `${found.length} hits of ${JSON.stringify(id)}`;
    const distances = Float64Array.from(rows.ids, (_, j) => cosineDistance(queries, i, rows, j)).sort();
    for (const [rank, { distance }] of found.entries())
      if (!(Math.abs(distance - distances[rank]!) <= TOLERANCE))
        return `${JSON.stringify(id)}, rank ${rank + 1}: distance ${distance}, not ${distances[rank]}`;
  }
  return undefined;
}

function cosineDistance(a: Vectors, i: number, b: Vectors, j: number): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let c = 0; c < a.dimension; c++) {
    const [x, y] = [a.vectors[i * a.dimension + c]!, b.vectors[j * b.dimension + c]!];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return 1 - dot / Math.sqrt(aa * bb);
}
