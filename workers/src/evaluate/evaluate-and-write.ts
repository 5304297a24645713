import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { requireTargetRecall, requireWhole } from '../app/option-checks.ts';
import { print, terminalColumns } from '../app/terminal.ts';
import { UsageError } from '../base/errors.ts';
import { writeAllAtomically } from '../base/files/write-atomically.ts';
import { Database } from '../database/database.ts';
import { requireOutputsApart } from '../search/outputs-apart.ts';
import { bucketsIn, chosenEntries } from './chosen-buckets.ts';
import { type EvaluationRequest, evaluateDatabase } from './evaluate-database.ts';
import { EVALUATE_MESSAGES } from './evaluate-messages.ts';
import type { Evaluation } from './evaluation.ts';
import { evaluationPage, evaluationSvg } from './evaluation-page.ts';
import { type GridRequest, parseGrid } from './grid.ts';
import { recordRecall } from './last-recall.ts';
import { pointTable, searchCommand, settingsText } from './point-text.ts';

const DEFAULT_K = 10;

/** The options of an evaluation, as given on the command line. */
export interface EvaluationOptions extends GridRequest {
  database: string;
  queries?: readonly string[] | undefined;
  sample?: number | undefined;
  k?: number | undefined;
  labels?: string | undefined;
  buckets?: string | undefined;
  targetRecall: number;
  excludeSelf: boolean;
  stream: boolean;
  work?: string | undefined;
  output?: string | undefined;
  plot?: string | undefined;
}

/** An evaluation, and where it reads and writes. */
export interface CheckedEvaluation extends EvaluationRequest {
  database: string;
  buckets: readonly string[] | undefined;
  work: string | undefined;
  output: string | undefined;
  plot: string | undefined;
}

/** Checks the options of an evaluation. @throws UsageError that names the option that is wrong */
export async function checkEvaluation(options: EvaluationOptions): Promise<CheckedEvaluation> {
  const { database, queries, sample, k = DEFAULT_K, targetRecall, excludeSelf, stream, work, output, plot } = options;
  requireWhole('k', k);
  if (sample !== undefined) requireWhole('sample', sample);
  requireTargetRecall(targetRecall);
  if (queries?.length === 0) throw new UsageError(EVALUATE_MESSAGES.noQuerySet);
  if (plot !== undefined && !/\.(html|svg)$/i.test(plot)) throw new UsageError(EVALUATE_MESSAGES.wrongPlot(plot));
  if (output !== undefined && plot !== undefined && resolve(output) === resolve(plot))
    throw new UsageError(EVALUATE_MESSAGES.sameOutputs);
  await requireOutputsApart('queries', queries ?? [], { output, plot });
  return {
    ...parseGrid(options),
    ...{ database, queries, sample, k, targetRecall, excludeSelf, stream, work, output, plot },
    buckets: bucketsIn(options.buckets),
    scratch: work ?? tmpdir(),
  };
}

/** Evaluates a database, writes the result, and records the recall in the database. The outputs appear whole or not at all. */
export async function evaluateAndWrite(request: CheckedEvaluation, context: CommandContext) {
  const { output, plot } = request;
  const database = await Database.open(request.database, request.work);
  const entries = await chosenEntries(database, request.buckets);
  // An output that cannot be written is refused before hours of searches.
  const { evaluation, text } = await writeAllAtomically([output, plot], async ([document, drawing]) => {
    const found = await evaluateDatabase(database, entries, request, context);
    const written = `${JSON.stringify(found, null, 2)}\n`;
    if (document) await writeFile(document, written);
    if (drawing) await writeFile(drawing, /\.svg$/i.test(plot!) ? evaluationSvg(found) : evaluationPage(found));
    return { evaluation: found, text: written };
  });
  // Whoever may only read the database may evaluate it.
  const recorded = await recordRecall(database, evaluation).catch((error: unknown) => {
    context.warn(EVALUATE_MESSAGES.notRecorded(database.uri, error instanceof Error ? error.message : String(error)));
    return true;
  });
  if (!recorded) context.log(EVALUATE_MESSAGES.keptRecord(database.uri, entries.length));
  const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
  return { rows, bytes: text.length, evaluation };
}

/** Prints the points as a table, and what is recommended, with the command line that searches with it. */
export function showEvaluation(evaluation: Evaluation): void {
  const { points, recommended, targetRecall, queries } = evaluation;
  print(pointTable(evaluation, terminalColumns()));
  if (recommended === undefined) {
    const best = Math.max(...points.map(({ recall }) => recall.low));
    print(`\n${EVALUATE_MESSAGES.noneReaches(targetRecall, best.toFixed(4), queries)}`);
    return;
  }
  const point = points[recommended]!;
  print(`\n${EVALUATE_MESSAGES.recommended(targetRecall, settingsText(point))}\n  ${searchCommand(evaluation, point)}`);
}
