/** Distances as LanceDB defines them: `cosine` is 1 - cosine, `l2` the squared Euclidean distance, `dot` 1 - inner product. */
export type Metric = 'cosine' | 'l2' | 'dot';

export const METRICS = ['cosine', 'l2', 'dot'] as const satisfies readonly Metric[];
