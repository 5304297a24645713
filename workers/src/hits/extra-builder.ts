import { createValidityBuilder } from '../base/columns/validity.ts';
import { createValues, type ExtraColumn, type ExtraType, hasValue } from './extra-column.ts';
import { createTextBuilder } from './text-builder.ts';

/** Collects values of an extra column, row by row. */
export interface ExtraBuilder {
  /** Returns the byte count of the texts since the last `take`; 0 for numbers. */
  size(): number;
  /** Appends a row of a column of the same type; undefined: null. */
  push(column: ExtraColumn | undefined, row: number): void;
  /** Returns the rows collected since the last call. */
  take(): ExtraColumn;
}

/** Creates a builder. @param maxRows most rows between two calls of `take` */
export function createExtraBuilder(type: ExtraType, maxRows: number): ExtraBuilder {
  const append = type === 'utf8' ? collectTexts(maxRows) : collectNumbers(type, maxRows);
  const validity = createValidityBuilder(maxRows);
  let rows = 0;
  return {
    size: append.size,
    push(column, row) {
      const isPresent = column !== undefined && hasValue(column, row);
      validity.push(isPresent);
      if (isPresent) append.value(column, row, rows);
      else append.none();
      rows++;
    },
    take() {
      const taken = append.take(rows);
      rows = 0;
      return { ...taken, validity: validity.take() };
    },
  };
}

const NO_BYTES = new Uint8Array(0);

function collectTexts(maxRows: number) {
  const texts = createTextBuilder(maxRows);
  return {
    size: texts.size,
    value(column: ExtraColumn, row: number) {
      if ('values' in column) throw new TypeError('numbers in a column of text');
      texts.push(column.bytes, column.offsets[row]!, column.offsets[row + 1]!);
    },
    none: () => texts.push(NO_BYTES, 0, 0),
    take: () => texts.take(),
  };
}

function collectNumbers(type: Exclude<ExtraType, 'utf8'>, maxRows: number) {
  const values = createValues(type, maxRows);
  return {
    size: () => 0,
    value(column: ExtraColumn, row: number, at: number) {
      if (!('values' in column)) throw new TypeError('text in a column of numbers');
      values[at] = column.values[row]!;
    },
    none() {},
    take: (rows: number) => ({ values: values.slice(0, rows) }),
  };
}
