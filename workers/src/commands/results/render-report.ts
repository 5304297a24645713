import { defineCommand } from '../../app/command.ts';
import { counted } from '../../base/text/counted.ts';
import { writeReport } from '../../report/outcome/write-report.ts';

export const command = defineCommand({
  describe: 'Shows neighbours, recall, time and memory of a run on one HTML page.',
  options: {
    neighbours: {
      type: 'string',
      describe: 'Neighbours of merge-hits (Parquet). Without them, the page is that of a run that only builds',
    },
    reports: { type: 'string', array: true, default: [] as string[], describe: "--json reports of the run's commands" },
    'run-plan': {
      type: 'string',
      describe: 'Plan of the run, as `plan --output` writes it (JSON): the page shows it beside what each stage took',
    },
    output: { type: 'string', demandOption: true, describe: 'Page to write (HTML)' },
    outcome: {
      type: 'string',
      describe: 'Also write what each stage took to this file (JSON), from which `plan` estimates later runs',
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

  run: (args, context) => writeReport(args, context),

  summary: ({ rows, queries }) => `render-report: ${counted(rows, 'neighbour')} of ${counted(queries, 'query')}`,
});
