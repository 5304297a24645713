import { defineCommand } from '../../app/command.ts';
import { print, terminalColumns } from '../../app/terminal.ts';
import { writeTextAtomically } from '../../base/files/write-atomically.ts';
import { counted } from '../../base/text/counted.ts';
import { askPrices } from '../../cloud/price-list.ts';
import { readModelSize } from '../../embed/transformer/model-size.ts';
import { PLAN_OPTIONS } from '../../forecast/plan-options.ts';
import { planRun } from '../../forecast/plan-run.ts';
import { formatPlan } from '../../forecast/plan-text.ts';
import { measureComputeRates } from '../../search/plan/calibrate.ts';
import { searchForecaster } from '../../search/plan/forecast-search.ts';

export const command = defineCommand({
  describe:
    'Plans a run before it starts: tasks, hours, bytes, requests and dollars by stage, with intervals; the strategy that auto would take; ' +
    'and, with --goal, the bucket size. It reads no vector.',
  options: PLAN_OPTIONS,
  addresses: ['input', 'queries'],
  examples: [
    ['plan --input proteins.fasta --model kmer --queries queries.fasta --database db', 'Plan a run on this machine'],
    [
      'plan --rows 3500000000 --database s3://bucket/db --profile awsbatch --goal cheapest',
      'Plan 3.5 billion vectors on AWS, and compare bucket sizes',
    ],
  ],

  async run(args) {
    const plan = await planRun(args, {
      readModel: async (folder) => ({ name: folder, ...(await readModelSize(folder)) }),
      calibrate: measureComputeRates,
      forecastSearch: searchForecaster(args),
      // Imported on demand: a plan of files on this machine needs no client.
      listS3: async (uri) => (await import('../../cloud/list-s3-inputs.ts')).listS3Inputs(uri),
      askPrices,
    });
    const text = `${JSON.stringify(plan, null, 2)}\n`;
    if (args.output !== undefined) await writeTextAtomically(args.output, text);
    if (!args.json) print(formatPlan(plan, terminalColumns()));
    return { rows: plan.stages.length, bytes: text.length, ...plan };
  },

  summary: ({ stages }) => `plan: ${counted(stages.length, 'stage')}`,
});
