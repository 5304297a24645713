import { type NumberArray, roundToFloat32 } from './float32-rounding.ts';
import * as messages from './layout-messages.ts';

/** Converts numbers of a file to float32. @param placeOf says where the number at an index is: row and component */
export type RowRounder = (numbers: NumberArray, into: Float32Array, placeOf: (index: number) => string) => void;

/**
 * Returns a converter of the vectors of a file, which refuses numbers beyond the range of float32.
 * @param onNote receives a note about the first integer that float32 does not hold exactly
 * @returns throws DataError
 */
export function rowRounder(path: string, onNote: (note: string) => void): RowRounder {
  let isNoted = false;
  return (numbers, into, placeOf) => {
    const lost = roundToFloat32(numbers, into);
    if (lost?.isBeyondRange) throw messages.beyondFloat32(path, placeOf(lost.index), lost.value);
    if (!lost || isNoted) return;
    isNoted = true;
    onNote(messages.roundedNote(path, placeOf(lost.index), lost.value, into[lost.index]!));
  };
}

/** Returns the place of a number in rows that begin at `firstRow`. */
export function placeInRows(firstRow: number, dimension: number): (index: number) => string {
  return (index) => `row ${firstRow + Math.floor(index / dimension)}, component ${index % dimension}`;
}
