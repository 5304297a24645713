import { readFile } from 'node:fs/promises';
import type { CommandContext } from '../app/command.ts';
import { parseJsonText } from '../base/text/json-text.ts';
import { hitRows } from '../hits/columns.ts';
import { inspectHits, readHits } from '../hits/parquet/hits-reader.ts';
import { type NeighbourSummary, scanNeighbours } from './neighbours.ts';
import { damagedReport, noReport, notJson, unsortedNeighbours } from './report-text.ts';
import { toWorkerReport, type WorkerReport } from './stages.ts';

/** Reads neighbours (Parquet) once. @throws DataError if they are not sorted by query and distance */
export async function summarizeNeighbours(
  path: string,
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<NeighbourSummary> {
  const { rows } = await inspectHits(path);
  const scan = scanNeighbours();
  const bar = progress('Reading', rows, 'neighbours');
  try {
    for await (const batch of readHits(path)) {
      const unsorted = scan.add(batch);
      if (unsorted !== undefined) throw unsortedNeighbours(path, unsorted);
      bar.add(hitRows(batch));
    }
  } finally {
    bar.stop();
  }
  return scan.finish();
}

/** Reads a worker's report, as --json prints it. @throws DataError if the file is not a report */
export async function readWorkerReport(path: string): Promise<WorkerReport> {
  const text = await readFile(path, 'utf8');
  let json: unknown;
  try {
    json = parseJsonText(text);
  } catch (error) {
    throw notJson(path, error as Error);
  }
  const report = toWorkerReport(json, (problem) => damagedReport(path, problem));
  if (!report) throw noReport(path);
  return report;
}
