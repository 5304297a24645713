import { hitRows, textBytes, textsOf } from '../../hits/columns.ts';
import { type ExtraField, extraValue } from '../../hits/extra-column.ts';
import { type NeighboursFile, readNeighbours } from '../../hits/parquet/neighbours-reader.ts';

/** What neighbours may say of a target besides its distance, in the order in which the page shows it. */
export const FACT_COLUMNS = [
  'description',
  'evalue',
  'identity',
  'query_coverage',
  'target_coverage',
  'bits',
  'alignment_evalue',
] as const;

export type FactName = (typeof FACT_COLUMNS)[number];
export type Facts = Partial<Record<FactName, string | number>>;

/** A query with its first neighbours, in the order of the file. */
interface Example {
  neighbours: readonly { facts?: Facts }[];
}

/** Adds what the file says of the targets to the examples, which are its first queries. */
export async function addFacts(examples: readonly Example[], { path, extra }: NeighboursFile): Promise<void> {
  const fields = extra.filter(isFact);
  const rowCount = examples.reduce((sum, { neighbours }) => sum + neighbours.length, 0);
  if (fields.length === 0 || rowCount === 0) return;
  let [query, rank, read] = [-1, 0, 0];
  let last: Uint8Array | undefined;
  for await (const batch of readNeighbours(path, fields)) {
    const queries = textsOf(batch.queryIds);
    for (let row = 0; row < hitRows(batch); row++) {
      const id = textBytes(queries, row);
      if (last === undefined || Buffer.compare(last, id) !== 0) {
        query++;
        rank = 0;
        last = id.slice();
      }
      const neighbour = examples[query]?.neighbours[rank++];
      if (!neighbour) continue;
      neighbour.facts = {};
      for (const [i, { name }] of fields.entries()) {
        const value = extraValue(batch.extra![i]!, row);
        if (value !== null) neighbour.facts[name] = typeof value === 'bigint' ? Number(value) : value;
      }
      if (++read === rowCount) return;
    }
  }
}

function isFact(field: ExtraField): field is ExtraField & { name: FactName } {
  return FACT_COLUMNS.some((name) => name === field.name && (field.type === 'utf8') === (name === 'description'));
}
