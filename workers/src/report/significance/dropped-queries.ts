import * as z from 'zod/mini';
import { AMOUNT, COUNT } from '../../base/text/document.ts';
import { LISTED_QUERIES } from '../../hits/evalues.ts';
import type { NeighbourSummary, QuerySummary } from '../neighbours.ts';

const ID = z.string('a text');

/** Queries that --max_evalue left without neighbours, as merge-hits reports them. An infinite distance is null in JSON. */
export const DROPPED_QUERIES = z.object({
  count: COUNT,
  first: z.array(
    z.object({
      ...{ query: ID, target: ID, bucket: ID },
      distance: z.nullable(z.number('a number')),
      evalue: AMOUNT,
    }),
  ),
});

export type DroppedQueries = z.output<typeof DROPPED_QUERIES>;

/** Returns the first queries, those without neighbours among them, in the order of their ids. */
export function withDropped({ first }: NeighbourSummary, dropped: DroppedQueries | undefined): QuerySummary[] {
  if (!dropped || dropped.count === 0) return first;
  const without = dropped.first.map(({ query, target, bucket, distance, evalue }) => ({
    ...{ query, target, bucket, evalue, neighbours: 0 },
    nearest: distance ?? Number.POSITIVE_INFINITY,
  }));
  return [...first, ...without]
    .sort((a, b) => Buffer.compare(Buffer.from(a.query), Buffer.from(b.query)))
    .slice(0, LISTED_QUERIES);
}
