import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CommandContext } from '../../app/command.ts';
import { UsageError } from '../../base/errors.ts';
import { writeTextAtomically } from '../../base/files/write-atomically.ts';
import { parseRunPlan } from '../../forecast/run-plan.ts';
import { outcomeText } from '../../run/outcome.ts';
import { readWorkerReport, summarizeNeighbours } from '../report-inputs.ts';
import { significantEvalue } from '../significance/significance.ts';
import { linkOfTargets } from '../targets/target-link.ts';
import { renderReport } from '../template.ts';
import { renderBuild } from './build-page.ts';
import { outcomeOf } from './outcome-of.ts';
import type { WorkerReport } from './worker-report.ts';

/** Files that a report is made of, and those to write. */
export interface ReportRequest {
  /** Of merge-hits (Parquet); absent for a run that only builds. */
  neighbours?: string | undefined;
  reports: readonly string[];
  runPlan?: string | undefined;
  output: string;
  outcome?: string | undefined;
  linkTemplate?: string | undefined;
}

/** Writes the page of a run, and what its stages took. @throws UsageError if an output would replace another file */
export async function writeReport(request: ReportRequest, context: CommandContext) {
  requireApart(request);
  const { neighbours, runPlan, output, outcome } = request;
  const linkOf = linkOfTargets(request.linkTemplate);
  const plan = runPlan === undefined ? undefined : parseRunPlan(await readFile(runPlan, 'utf8'), runPlan);
  const reports: WorkerReport[] = [];
  for (const path of request.reports) reports.push(await readWorkerReport(path));
  const summary =
    neighbours === undefined ? undefined : await summarizeNeighbours(neighbours, significantEvalue(reports), context);
  const page = summary ? renderReport(summary, reports, linkOf, plan) : renderBuild(reports, plan);
  await writeTextAtomically(output, page);
  if (outcome !== undefined) await writeTextAtomically(outcome, outcomeText(outcomeOf(reports)));
  const { size: bytes } = await stat(output);
  return { rows: summary?.rows ?? 0, queries: summary?.queries ?? 0, bytes };
}

function requireApart({ neighbours, runPlan, output, outcome }: ReportRequest): void {
  const inputs = { 'the neighbours': neighbours, 'the plan': runPlan };
  for (const [option, path] of Object.entries({ output, outcome }))
    for (const [what, input] of Object.entries(inputs))
      if (path !== undefined && input !== undefined && resolve(path) === resolve(input))
        throw new UsageError(`--${option} names the file with ${what}: ${path}.`);
  if (outcome !== undefined && resolve(outcome) === resolve(output))
    throw new UsageError(`--outcome names the same file as --output: ${outcome}.`);
}
