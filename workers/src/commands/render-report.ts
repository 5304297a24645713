import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type CommandContext, defineCommand } from '../app/command.ts';
import { DataError, UsageError } from '../base/errors.ts';
import { writeTextAtomically } from '../base/files/write-atomically.ts';
import { parseJsonText } from '../base/text/json-text.ts';
import { hitRows } from '../hits/columns.ts';
import { inspectHits, readHits } from '../hits/parquet/hits-reader.ts';
import { type NeighbourSummary, scanNeighbours } from '../report/neighbours.ts';
import { toWorkerReport, type WorkerReport } from '../report/stages.ts';
import { renderReport } from '../report/template.ts';

export const command = defineCommand({
  describe: 'Show what was found, and what it took, on one HTML page',
  options: {
    neighbours: { type: 'string', demandOption: true, describe: 'Neighbours of merge-hits (Parquet)' },
    reports: { type: 'string', array: true, default: [] as string[], describe: "Workers' --json reports" },
    output: { type: 'string', demandOption: true, describe: 'Page to write (HTML)' },
  },
  examples: [
    [
      'render-report --neighbours neighbours.parquet --reports reports/*.json --output report.html',
      'A page that opens in any browser, also without network',
    ],
  ],
  async run(args, context) {
    if (resolve(args.output) === resolve(args.neighbours))
      throw new UsageError(`--output names the neighbours themselves: ${args.output}.`);
    const reports: WorkerReport[] = [];
    for (const path of args.reports) reports.push(await readReport(path));
    const summary = await summarize(args.neighbours, context);
    await writeTextAtomically(args.output, renderReport(summary, reports));
    const { size } = await stat(args.output);
    return { rows: summary.rows, queries: summary.queries, bytes: size };
  },
  summary: ({ rows, queries }) => `render-report: ${rows} neighbours of ${queries} queries`,
});

async function summarize(path: string, context: CommandContext): Promise<NeighbourSummary> {
  const { rows } = await inspectHits(path);
  const scan = scanNeighbours();
  const progress = context.progress('Reading', rows, 'neighbours');
  try {
    for await (const batch of readHits(path)) {
      const wrong = scan.add(batch);
      if (wrong !== undefined)
        throw new DataError(
          `${path}: row ${wrong} is out of order; neighbours are sorted by query and distance. Name the output of merge-hits.`,
        );
      progress.add(hitRows(batch));
    }
  } finally {
    progress.stop();
  }
  return scan.finish();
}

async function readReport(path: string): Promise<WorkerReport> {
  const text = await readFile(path, 'utf8');
  let json: unknown;
  try {
    json = parseJsonText(text);
  } catch (error) {
    throw new DataError(`${path}: this is not JSON (${(error as Error).message}).`, { cause: error });
  }
  const report = toWorkerReport(
    json,
    (problem) =>
      new DataError(`${path}: this worker's report is damaged: ${problem}. Run its command again with --json.`),
  );
  if (report) return report;
  throw new DataError(`${path}: this is no worker's report. Name what the commands print with --json.`);
}
