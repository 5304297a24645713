import type { CatalogEntry } from '../catalog.ts';

export const SEARCH_MODES = ['auto', 'ann', 'scan', 'exact'] as const;
export type SearchMode = (typeof SEARCH_MODES)[number];

/** How a bucket is searched. */
export interface SearchChoice {
  mode: 'ann' | 'scan' | 'exact';
  nprobes: number;
  refineFactor: number;
  notes: string[];
}

/** Share of the partitions that is probed where the user does not say, and the least of them. */
const DEFAULT_PROBED_SHARE = 0.05;
const LEAST_NPROBES = 20;
const DEFAULT_REFINE_FACTOR = 10;
/** Rates that the choice reckons with; measured, see docs/adr. */
const GEMM_FLOPS = 2e11;
const READ_BYTES_PER_SECOND = 1e9;
const ANN_QUERIES_PER_SECOND = 350;

/**
 * Decides how to search a bucket. `auto` takes the quicker way by reckoning; a table without an index, or one whose
 * rows all belong to the answer, is read as a whole.
 */
export function chooseSearch(
  asked: { search: SearchMode; nprobes: number | undefined; refineFactor: number | undefined; k: number },
  queryCount: number,
  entry: Pick<CatalogEntry, 'rows' | 'dimension' | 'index' | 'partitions'>,
): SearchChoice {
  const { partitions, kind } = entry.index;
  const wantedProbes = asked.nprobes ?? Math.max(LEAST_NPROBES, Math.ceil(partitions * DEFAULT_PROBED_SHARE));
  const nprobes = Math.min(Math.max(1, partitions), wantedProbes);
  const refineFactor = asked.refineFactor ?? DEFAULT_REFINE_FACTOR;
  const exact = (...notes: string[]): SearchChoice => ({ mode: 'exact', nprobes, refineFactor, notes });
  if (asked.search === 'exact') return exact();
  if (asked.search === 'scan') {
    if (!entry.partitions) return exact('the table has no partition order; all of it is read (exact)');
    return { mode: 'scan', nprobes: Math.min(nprobes, entry.partitions.count), refineFactor, notes: [] };
  }
  if (kind === 'none')
    return exact(...(asked.search === 'ann' ? ['the table has no index; all of it is read (exact)'] : []));
  if (asked.k >= entry.rows) return exact('k is at least the number of rows; all of them are read (exact)');
  if (asked.search === 'ann') return { mode: 'ann', nprobes, refineFactor, notes: [] };

  const exactSeconds = Math.max(
    (2 * queryCount * entry.rows * entry.dimension) / GEMM_FLOPS,
    (entry.rows * entry.dimension * 4) / READ_BYTES_PER_SECOND,
  );
  const annSeconds = queryCount / ANN_QUERIES_PER_SECOND;
  const note = `exact would take about ${exactSeconds.toFixed(1)} s, the index ${annSeconds.toFixed(1)} s`;
  return exactSeconds <= annSeconds ? exact(note) : { mode: 'ann', nprobes, refineFactor, notes: [note] };
}
