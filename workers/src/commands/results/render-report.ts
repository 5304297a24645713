import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defineCommand } from '../../app/command.ts';
import { UsageError } from '../../base/errors.ts';
import { writeTextAtomically } from '../../base/files/write-atomically.ts';
import { counted } from '../../base/text/counted.ts';
import { outcomeOf } from '../../report/outcome/outcome-of.ts';
import type { WorkerReport } from '../../report/outcome/worker-report.ts';
import { readWorkerReport, summarizeNeighbours } from '../../report/report-inputs.ts';
import { significantEvalue } from '../../report/significance/significance.ts';
import { linkOfTargets } from '../../report/targets/target-link.ts';
import { renderReport } from '../../report/template.ts';
import { outcomeText } from '../../run/outcome.ts';

export const command = defineCommand({
  describe: 'Shows neighbours, recall, time and memory of a run on one HTML page.',
  options: {
    neighbours: { type: 'string', demandOption: true, describe: 'Neighbours of merge-hits (Parquet)' },
    reports: { type: 'string', array: true, default: [] as string[], describe: "--json reports of the run's commands" },
    output: { type: 'string', demandOption: true, describe: 'Page to write (HTML)' },
    outcome: {
      type: 'string',
      describe: 'Also write what each command took to this file (JSON), from which `plan` estimates later runs',
    },
    'link-template': {
      type: 'string',
      describe:
        'Address of a neighbour, with {id} for its id. Default: that of UniProt or NCBI, for ids that have their form',
    },
  },
  examples: [
    [
      'render-report --neighbours neighbours.parquet --reports reports/*.json --output report.html',
      'Write a page that any browser opens, also without a network',
    ],
  ],
  async run(args, context) {
    requireApart(args);
    const linkOf = linkOfTargets(args.linkTemplate);
    const reports: WorkerReport[] = [];
    for (const path of args.reports) reports.push(await readWorkerReport(path));
    const summary = await summarizeNeighbours(args.neighbours, significantEvalue(reports), context);
    await writeTextAtomically(args.output, renderReport(summary, reports, linkOf));
    if (args.outcome !== undefined) await writeTextAtomically(args.outcome, outcomeText(outcomeOf(reports)));
    const { size } = await stat(args.output);
    return { rows: summary.rows, queries: summary.queries, bytes: size };
  },
  summary: ({ rows, queries }) => `render-report: ${counted(rows, 'neighbour')} of ${counted(queries, 'query')}`,
});

/** Requires that no output replaces the neighbours or another output. */
function requireApart({
  neighbours,
  output,
  outcome,
}: {
  neighbours: string;
  output: string;
  outcome?: string | undefined;
}) {
  for (const [name, path] of [
    ['output', output],
    ['outcome', outcome],
  ] as const)
    if (path !== undefined && resolve(path) === resolve(neighbours))
      throw new UsageError(`--${name} names the file with the neighbours: ${path}.`);
  if (outcome !== undefined && resolve(outcome) === resolve(output))
    throw new UsageError(`--outcome names the same file as --output: ${outcome}.`);
}
