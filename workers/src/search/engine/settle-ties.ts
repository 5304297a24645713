import type { Table } from '@lancedb/lancedb';
import { compareIds } from '../../hits/rank.ts';
import { lookupIds } from '../../lance/ids/lookup-ids.ts';
import type { NearestRows } from './nearest.ts';

/** Most ties in memory, of all queries together: 32 MB. */
const MOST_TIES = 4_000_000;

/**
 * Bounds the memory of ties, where very many rows are at the distance of the k-th (a table that repeats one vector): looks up their
 * ids now instead of in the end, and drops those that rank too low. The answer is the same. Threads may offer rows meanwhile, but no other
 * call may be running.
 */
export async function settleTies(table: Table, nearest: NearestRows, mostTies = MOST_TIES): Promise<void> {
  if (nearest.tieCount <= mostTies) return;
  nearest.dropObsoleteTies();
  if (nearest.tieCount <= mostTies) return;
  const contested = [...nearest.contested()];
  const unique = new Set<number>();
  for (const { rows } of contested) for (const row of rows) unique.add(row);
  const all = Float64Array.from(unique);
  const { ids, position } = await lookupIds(table, all);
  // Ranked once, whatever the number of queries that contest the rows.
  const byId = all.sort((a, b) => compareIds(ids, position(a), position(b)));
  const rankOf = new Map(Array.from(byId, (row, rank) => [row, rank] as const));
  for (const { query, limit, rows } of contested)
    nearest.settle(
      query,
      limit,
      rows.sort((a, b) => rankOf.get(a)! - rankOf.get(b)!),
    );
}
