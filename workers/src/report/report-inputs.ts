import { readFile } from 'node:fs/promises';
import type { CommandContext } from '../app/command.ts';
import { parseJsonText } from '../base/text/json-text.ts';
import { type HitColumns, hitRows, hitsOf } from '../hits/columns.ts';
import { EVALUE } from '../hits/evalues.ts';
import type { ExtraField } from '../hits/extra-column.ts';
import { isRankedByAlignment } from '../hits/neighbours-origin.ts';
import { inspectHits, readHits } from '../hits/parquet/hits-reader.ts';
import { inspectNeighbours, readNeighbours } from '../hits/parquet/neighbours-reader.ts';
import { type NeighbourSummary, scanNeighbours } from './neighbours.ts';
import { toWorkerReport, type WorkerReport } from './outcome/worker-report.ts';
import { damagedReport, noReport, notJson, unsortedNeighbours } from './report-text.ts';
import { addFacts } from './targets/target-facts.ts';

/**
 * Reads neighbours (Parquet) once.
 * @param maxEvalue largest E-value of significant neighbours
 * @throws DataError if they are not sorted by query and, unless alignments rank them, by distance
 */
export async function summarizeNeighbours(
  path: string,
  maxEvalue: number,
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<NeighbourSummary> {
  const { rows, columns } = await inspectHits(path);
  // Hits have no ranks, and no further columns.
  const file = columns.includes('rank') ? await inspectNeighbours(path) : undefined;
  const evalues = file?.extra.filter(isEvalue) ?? [];
  const scan = scanNeighbours({
    isRanked: file !== undefined,
    isRankedByAlignment: isRankedByAlignment(file?.metadata ?? {}),
    maxEvalue: evalues.length > 0 ? maxEvalue : undefined,
  });
  const bar = progress('Reading', rows, 'neighbours');
  try {
    for await (const batch of evalues.length > 0 ? withEvalues(path, evalues) : readHits(path)) {
      const unsorted = scan.add(batch);
      if (unsorted !== undefined) throw unsortedNeighbours(path, unsorted);
      bar.add(hitRows(batch));
    }
  } finally {
    bar.stop();
  }
  const summary = scan.finish();
  if (file) await addFacts(summary.examples, file);
  return summary;
}

/** Another writer may keep E-values as doubles. */
function isEvalue({ name, type }: ExtraField): boolean {
  return name === EVALUE.name && (type === 'float32' || type === 'float64');
}

async function* withEvalues(path: string, evalues: readonly ExtraField[]): AsyncGenerator<HitColumns> {
  for await (const batch of readNeighbours(path, evalues)) yield hitsOf(batch);
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
