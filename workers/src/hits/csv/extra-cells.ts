import { type ExtraColumn, type ExtraField, hasValue } from '../extra-column.ts';
import { putSafeText } from './csv-cell.ts';
import { FLOAT_TEXT_BYTES, putAscii, putFloat32 } from './float-text.ts';

const COMMA = 0x2c;
/** Maximum byte count of a number, or of the quotes of a text, with the comma. */
const CELL_BYTES = FLOAT_TEXT_BYTES + 2;

/** Returns the end of the first line: the names of extra columns, each after a comma. */
export function extraHeader(fields: readonly ExtraField[]): string {
  return fields
    .map(({ name }) => {
      const bytes = Buffer.from(name);
      const cell = Buffer.alloc(2 * bytes.length + CELL_BYTES);
      return `,${cell.toString('utf8', 0, putSafeText(cell, 0, bytes, 0, bytes.length))}`;
    })
    .join('');
}

/** Returns the most bytes that a batch's extra cells take. */
export function extraCellBytes(columns: readonly ExtraColumn[], rows: number): number {
  const texts = columns.reduce((sum, column) => sum + ('values' in column ? 0 : column.bytes.length), 0);
  // A byte that is an apostrophe's neighbour, or a quote, takes two.
  return 2 * texts + columns.length * rows * CELL_BYTES;
}

/** Writes a row's extra cells, each after a comma. @returns their end in `buffer` */
export function putExtraCells(
  buffer: Uint8Array,
  start: number,
  fields: readonly ExtraField[],
  columns: readonly ExtraColumn[],
  row: number,
): number {
  let at = start;
  for (let i = 0; i < fields.length; i++) {
    const column = columns[i]!;
    buffer[at++] = COMMA;
    if (!hasValue(column, row)) continue;
    if (!('values' in column))
      at = putSafeText(buffer, at, column.bytes, column.offsets[row]!, column.offsets[row + 1]!);
    else at = putNumber(buffer, at, fields[i]!, column.values[row]!);
  }
  return at;
}

function putNumber(buffer: Uint8Array, at: number, { type }: ExtraField, value: number | bigint): number {
  return type === 'float32' ? putFloat32(buffer, at, Number(value)) : putAscii(buffer, at, numberText(value));
}

/** Returns the shortest text that reads back as this number; not finite: `inf`, `-inf`, `nan`, as pandas and DuckDB read them. */
export function numberText(value: number | bigint): string {
  if (typeof value === 'bigint' || Number.isFinite(value)) return String(value);
  return value > 0 ? 'inf' : value < 0 ? '-inf' : 'nan';
}
