import type { NeighbourColumns } from '../columns.ts';
import type { ExtraField } from '../extra-column.ts';
import { createTextFile, type TextCompression } from '../output/text-file.ts';
import { createCsvFormatter, csvHeader } from './csv-format.ts';

/** Writes neighbours as CSV, batch by batch. */
export interface CsvWriter {
  append(rows: NeighbourColumns): Promise<void>;
  /** Completes the file. @returns its size in bytes */
  finish(): Promise<number>;
  /** Closes and deletes the file. */
  abandon(): Promise<void>;
}

/**
 * Creates a CSV file at `path` (a temporary name: see `writeAtomically`) and writes its header.
 * @param extra extra columns of the rows
 */
export async function createCsv(
  path: string,
  compression: TextCompression,
  forSpreadsheets = false,
  extra: readonly ExtraField[] = [],
): Promise<CsvWriter> {
  const file = createTextFile(path, compression);
  const format = createCsvFormatter(forSpreadsheets, extra);
  await file.write(csvHeader(extra));
  return { append: (rows) => file.write(format(rows)), finish: file.finish, abandon: file.abandon };
}
