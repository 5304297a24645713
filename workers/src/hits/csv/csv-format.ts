import type { Utf8Column } from '../../base/bytes/utf8-column.ts';
import { hitRows, type NeighbourColumns, sameText, textsOf } from '../columns.ts';
import type { ExtraField } from '../extra-column.ts';
import { putCell, putSpreadsheetId } from './csv-cell.ts';
import { extraCellBytes, extraHeader, putExtraCells } from './extra-cells.ts';
import { putAscii, putFloat32 } from './float-text.ts';

const COLUMNS = 'query_id,rank,target_id,distance,bucket';

/** Returns the first line of a neighbours CSV, with its newline. */
export function csvHeader(extra: readonly ExtraField[] = []): string {
  return `${COLUMNS}${extraHeader(extra)}\n`;
}

const COMMA = 0x2c;
const NEWLINE = 0x0a;
/** Maximum byte count of rank, distance, separators and quotes. */
const ROW_BYTES = 64;

/**
 * Creates a formatter of neighbours as lines of CSV (RFC 4180, lines end with a newline). A field that contains a comma, a quote or a line
 * break, or is empty, is quoted; null is an empty field without quotes. Works on bytes: ids never become JavaScript strings.
 * @param forSpreadsheets whether to put an apostrophe before ids that a spreadsheet would evaluate; text of extra columns always gets it
 * @param extra fields of the batches' `extra`
 * @returns a function whose result is valid until it is called again
 */
export function createCsvFormatter(
  forSpreadsheets = false,
  extra: readonly ExtraField[] = [],
): (rows: NeighbourColumns) => Uint8Array {
  const putId = forSpreadsheets ? putSpreadsheetId : putCell;
  const putField = (at: number, { bytes, offsets }: Utf8Column, row: number) =>
    putId(buffer, at, bytes, offsets[row]!, offsets[row + 1]!);
  let buffer = new Uint8Array(0);
  return (neighbours) => {
    const { queryIds, targetIds, buckets, distances, ranks } = neighbours;
    const rows = hitRows(neighbours);
    const texts = queryIds.bytes.length + targetIds.bytes.length + buckets.bytes.length;
    const maxBytes = 2 * texts + rows * ROW_BYTES + extraCellBytes(neighbours.extra ?? [], rows);
    if (buffer.length < maxBytes) buffer = new Uint8Array(maxBytes);
    let at = 0;
    let queryStart = 0;
    let queryEnd = 0;
    const queries = textsOf(queryIds);
    for (let row = 0; row < rows; row++) {
      if (row > 0 && sameText(queries, row, queries, row - 1)) {
        const length = queryEnd - queryStart;
        buffer.copyWithin(at, queryStart, queryEnd);
        queryStart = at;
        queryEnd = at += length;
      } else {
        queryStart = at;
        queryEnd = at = putField(at, queryIds, row);
      }
      buffer[at++] = COMMA;
      at = putAscii(buffer, at, String(ranks[row]!));
      buffer[at++] = COMMA;
      at = putField(at, targetIds, row);
      buffer[at++] = COMMA;
      at = putFloat32(buffer, at, distances[row]!);
      buffer[at++] = COMMA;
      at = putField(at, buckets, row);
      if (extra.length > 0) at = putExtraCells(buffer, at, extra, neighbours.extra!, row);
      buffer[at++] = NEWLINE;
    }
    return buffer.subarray(0, at);
  };
}
