export interface Hit {
  target: string;
  /** Of the vectors. */
  distance?: number;
  /** Number of targets of the database that are expected to be so near, or to align so well, by chance. */
  evalue?: number;
}

/** The targets of each query that has any, best first, without the query itself. */
export type Rankings = Map<string, Hit[]>;

/** Parses a table of MMseqs2 or DIAMOND: the columns query, target and E-value, best first, separated by tabs. */
export function parsePeerTable(text: string): Rankings {
  const rankings: Rankings = new Map();
  for (const line of linesOf(text)) {
    const [query = '', target = '', evalue] = line.split('\t');
    add(rankings, query, { target, evalue: Number(evalue) });
  }
  return rankings;
}

/**
 * Parses neighbours (CSV), whose ids need no quotes.
 * @param evalue the column that has the E-value
 */
export function parseNeighbours(text: string, evalue: 'evalue' | 'alignment_evalue' = 'evalue'): Rankings {
  const [head = '', ...lines] = linesOf(text);
  const columns = head.split(',');
  const at = (name: string) => columns.indexOf(name);
  const [query, target, distance, chance] = [at('query_id'), at('target_id'), at('distance'), at(evalue)];
  if (query < 0 || target < 0 || distance < 0) throw new Error(`no neighbours: the columns are ${head}`);
  const rankings: Rankings = new Map();
  for (const line of lines) {
    const cells = line.split(',');
    const known = cells[chance] ? { evalue: Number(cells[chance]) } : {};
    add(rankings, cells[query]!, { target: cells[target]!, distance: Number(cells[distance]), ...known });
  }
  return rankings;
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

function add(rankings: Rankings, query: string, hit: Hit): void {
  if (query === hit.target) return;
  const hits = rankings.get(query) ?? [];
  // MMseqs2 and DIAMOND may report several alignments of a pair; the best is first.
  if (!hits.some(({ target }) => target === hit.target)) hits.push(hit);
  rankings.set(query, hits);
}
