/** What the first neighbour of a query is: the nearest one, or that of the best alignment. */
export type FirstNeighbour = 'nearest' | 'first';

/** Returns the word for the first neighbour. */
export function firstNeighbour({ isRankedByAlignment }: { isRankedByAlignment: boolean }): FirstNeighbour {
  return isRankedByAlignment ? 'first' : 'nearest';
}

const CAPITALS = { nearest: 'Nearest', first: 'First' } as const;

/** Texts about the first neighbours. # marks a column of numbers. */
export const FIRST_NEIGHBOUR = {
  title: (first: FirstNeighbour) => (first === 'nearest' ? 'Nearest neighbours' : 'Neighbours ranked by alignment'),
  page: (first: FirstNeighbour) =>
    `The ${first === 'nearest' ? 'nearest neighbours' : 'neighbours, the best alignment first'}, the buckets that contain them, and the time and memory of the run.`,
  column: (first: FirstNeighbour) => `${CAPITALS[first]} neighbour`,
  countColumn: (first: FirstNeighbour) => `#${CAPITALS[first]} neighbours`,
  distances: (first: FirstNeighbour) =>
    `Number of queries by the distance of their ${first} and of their last neighbour.` +
    (first === 'nearest' ? '' : ' Alignments rank the neighbours, so a later one may be nearer.'),
  farQueries: (first: FirstNeighbour) =>
    `The queries whose ${first} neighbour is the farthest. They may have no relative in the database: every query gets its nearest neighbours, related or not.`,
  farKept: (first: FirstNeighbour) =>
    `The queries whose ${first} neighbour is the farthest. Queries that --max_evalue left without neighbours are not among them.`,
  background: (first: FirstNeighbour) => `${CAPITALS[first]} neighbours and unrelated proteins`,
} as const;
