import { defineCommand } from '../../app/command.ts';
import { EXIT } from '../../base/errors.ts';
import { runCampaign } from '../../cloud/launch/run-campaign.ts';

export const command = defineCommand({
  describe:
    'Runs the pipeline on AWS with its head there too, as a job of AWS Batch: this machine may be switched off. Shows its state and ' +
    'its log until it ends. The same command again follows a campaign that runs, and resumes one that failed.',
  options: {
    campaign: { type: 'string', demandOption: true, describe: "The campaign's name: one at a time has it" },
    'params-file': {
      type: 'array',
      string: true,
      default: [] as string[],
      describe: "The pipeline's parameters (JSON); several: the last one counts",
    },
    'work-dir': { type: 'string', describe: "Nextflow's work folder, s3://" },
    config: { type: 'string', describe: "Settings of Nextflow besides the profile's, as with its -c: a file here" },
    queue: { type: 'string', default: 'lanceflow-head', describe: 'Job queue of the head' },
    'job-definition': { type: 'string', default: 'lanceflow-head', describe: 'Job definition of the head' },
    again: {
      type: 'boolean',
      default: false,
      describe: 'Run a campaign that has ended again: new input, new parameters',
    },
    cancel: { type: 'boolean', default: false, describe: 'End the campaign and its tasks' },
    follow: { type: 'boolean', default: true, describe: 'Show state and log until the end (--no-follow: do not)' },
    poll: { type: 'number', default: 5, describe: 'Seconds between two looks' },
  },
  examples: [
    ['launch --campaign soil --params-file soil.json --work-dir s3://bucket/work', 'Start, or follow, or resume'],
    ['launch --campaign soil --cancel', 'End it'],
  ],

  run: (args, { log }) =>
    runCampaign({ ...args, paramsFile: args.paramsFile as string[], json: args.json === true }, log),

  exitCode: ({ status }) => (status === 'FAILED' ? EXIT.data : EXIT.ok),
  summary: ({ campaign, status, reason }) =>
    `launch: ${campaign} ${status}${reason ? ` (${reason})` : ''}${
      status === 'FAILED' ? '. Fix what its log says; the same command continues where it ended.' : ''
    }`,
});
