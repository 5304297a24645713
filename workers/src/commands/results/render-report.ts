import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defineCommand } from '../../app/command.ts';
import { UsageError } from '../../base/errors.ts';
import { writeTextAtomically } from '../../base/files/write-atomically.ts';
import { counted } from '../../base/text/counted.ts';
import { readWorkerReport, summarizeNeighbours } from '../../report/report-inputs.ts';
import { significantEvalue } from '../../report/significance/significance.ts';
import type { WorkerReport } from '../../report/stages.ts';
import { linkOfTargets } from '../../report/targets/target-link.ts';
import { renderReport } from '../../report/template.ts';

export const command = defineCommand({
  describe: 'Shows neighbours, recall, time and memory of a run on one HTML page.',
  options: {
    neighbours: { type: 'string', demandOption: true, describe: 'Neighbours of merge-hits (Parquet)' },
    reports: { type: 'string', array: true, default: [] as string[], describe: "--json reports of the run's commands" },
    output: { type: 'string', demandOption: true, describe: 'Page to write (HTML)' },
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
    if (resolve(args.output) === resolve(args.neighbours))
      throw new UsageError(`--output names the file with the neighbours: ${args.output}.`);
    const linkOf = linkOfTargets(args.linkTemplate);
    const reports: WorkerReport[] = [];
    for (const path of args.reports) reports.push(await readWorkerReport(path));
    const summary = await summarizeNeighbours(args.neighbours, significantEvalue(reports), context);
    await writeTextAtomically(args.output, renderReport(summary, reports, linkOf));
    const { size } = await stat(args.output);
    return { rows: summary.rows, queries: summary.queries, bytes: size };
  },
  summary: ({ rows, queries }) => `render-report: ${counted(rows, 'neighbour')} of ${counted(queries, 'query')}`,
});
