import { createValidityBuilder } from '../base/columns/validity.ts';
import { createValues, type ExtraColumn, type ExtraField, hasValue } from '../hits/extra-column.ts';
import { createTextBuilder } from '../hits/text-builder.ts';

/**
 * A record holds the values of a row: for each field its byte count in 4 bytes and its bytes, which are UTF-8 or the 8 bytes of a number,
 * in the order of this machine. NO_VALUE instead of a byte count: null.
 */
const NO_VALUE = 0xffffffff;
const LENGTH_BYTES = 4;
const NUMBER_BYTES = 8;

/** Encodes rows as records, end to end. @param columns values of the fields; undefined: null in all rows @returns with the end of each record */
export function encodeRecords(
  columns: readonly (ExtraColumn | undefined)[],
  rows: number,
): { bytes: Uint8Array; ends: Float64Array } {
  const texts = columns.reduce((sum, column) => sum + (column && 'bytes' in column ? column.bytes.length : 0), 0);
  const bytes = new Uint8Array(texts + rows * columns.length * (LENGTH_BYTES + NUMBER_BYTES));
  const view = new DataView(bytes.buffer);
  const ends = new Float64Array(rows);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (const column of columns) {
      const cell = column && hasValue(column, row) ? cellOf(column, row) : undefined;
      view.setUint32(at, cell?.length ?? NO_VALUE);
      at += LENGTH_BYTES;
      if (cell) {
        bytes.set(cell, at);
        at += cell.length;
      }
    }
    ends[row] = at;
  }
  return { bytes: bytes.subarray(0, at), ends };
}

function cellOf(column: ExtraColumn, row: number): Uint8Array {
  if ('bytes' in column) return column.bytes.subarray(column.offsets[row], column.offsets[row + 1]);
  const { buffer, byteOffset } = column.values;
  return new Uint8Array(buffer, byteOffset + NUMBER_BYTES * row, NUMBER_BYTES);
}

/** Collects records into columns. */
export interface RecordColumns {
  /** Appends a row; undefined: null in all columns. */
  push(record: Uint8Array | undefined): void;
  /** Returns the rows since the last call, in the order of the fields. */
  take(): ExtraColumn[];
}

/** Creates columns from records. @param maxRows most rows between two calls of `take` */
export function createRecordColumns(fields: readonly ExtraField[], maxRows: number): RecordColumns {
  const columns = fields.map(({ type }) => (type === 'utf8' ? collectTexts(maxRows) : collectNumbers(type, maxRows)));
  const validities = fields.map(() => createValidityBuilder(maxRows));
  let rows = 0;
  return {
    push(record) {
      const view = record && new DataView(record.buffer, record.byteOffset, record.byteLength);
      let at = 0;
      for (const [i, column] of columns.entries()) {
        const length = view?.getUint32(at) ?? NO_VALUE;
        at += LENGTH_BYTES;
        const isPresent = length !== NO_VALUE;
        validities[i]!.push(isPresent);
        column.push(isPresent ? record!.subarray(at, at + length) : NOTHING, rows);
        if (isPresent) at += length;
      }
      rows++;
    },
    take() {
      const taken = columns.map((column, i) => ({ ...column.take(rows), validity: validities[i]!.take() }));
      rows = 0;
      return taken;
    },
  };
}

const NOTHING = new Uint8Array(0);

function collectTexts(maxRows: number) {
  const texts = createTextBuilder(maxRows);
  return {
    push: (cell: Uint8Array) => texts.push(cell, 0, cell.length),
    take: () => texts.take(),
  };
}

function collectNumbers(type: Exclude<ExtraField['type'], 'utf8'>, maxRows: number) {
  const values = createValues(type, maxRows);
  const bytes = new Uint8Array(values.buffer);
  return {
    push: (cell: Uint8Array, row: number) => bytes.set(cell, row * NUMBER_BYTES),
    take: (rows: number) => ({ values: values.slice(0, rows) }),
  };
}
