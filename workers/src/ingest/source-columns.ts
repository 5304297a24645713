import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import { repeatCell } from '../base/columns/cells.ts';
import type { Column } from '../base/columns/column-type.ts';
import type { PlanSource } from '../database/catalog/bucket-plan.ts';
import { FASTA_COLUMNS } from '../shard/columns/keep.ts';
import { otherColumnType } from './ingest-messages.ts';

const [, SEQUENCE] = FASTA_COLUMNS;
const encoder = new TextEncoder();

/**
 * Returns the columns that a bucket keeps: those of all its sources, in the order in which they first occur.
 * @throws DataError where two sources have a column of different types
 */
export function keptColumns(sources: readonly PlanSource[]): Column[] {
  const kept = new Map<string, Column & { path: string }>();
  for (const { path, columns = [], values = {} } of sources) {
    const ofSheet = Object.keys(values).map((name): Column => ({ name, type: 'utf8' }));
    for (const { name, type } of [...columns, ...ofSheet]) {
      const other = kept.get(name);
      if (other && other.type !== type) throw otherColumnType(path, { name, type }, other);
      if (!other) kept.set(name, { name, type, path });
    }
  }
  return [...kept.values()].map(({ name, type }) => ({ name, type }));
}

/** Returns the position of the column that has the residues of proteins, or -1. */
export function sequenceColumn(kept: readonly Column[]): number {
  return kept.findIndex(({ name, type }) => name === SEQUENCE && type === 'utf8');
}

/**
 * Returns the cells of a block of rows for each column of the bucket: from the shard, or one value for all rows; null where the source has
 * neither.
 */
export function cellsOf(
  { columns = [], values = {} }: Pick<PlanSource, 'columns' | 'values'>,
  kept: readonly Column[],
  block: { rows: number; kept: readonly Utf8Column[] },
): Utf8Column[] {
  return kept.map(({ name }) => {
    const own = columns.findIndex((column) => column.name === name);
    if (own >= 0) return block.kept[own]!;
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return repeatCell(value === undefined ? undefined : encoder.encode(value), block.rows);
  });
}
