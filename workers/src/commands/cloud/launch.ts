import { defineCommand } from '../../app/command.ts';
import { EXIT } from '../../base/errors.ts';
import { runCampaign } from '../../cloud/launch/run-campaign.ts';

export const command = defineCommand({
  describe:
    'Runs a campaign on AWS. Its head, Nextflow, is a job of AWS Batch too, so this machine may be switched off. Shows state and log of ' +
    'the campaign until it ends. The same command again follows a campaign that runs, and resumes one that failed.',
  options: {
    campaign: {
      type: 'string',
      demandOption: true,
      describe: 'Name of the campaign. Only one campaign of a name runs at a time',
    },
    'params-file': {
      type: 'array',
      string: true,
      default: [] as string[],
      describe: 'Parameters of the pipeline (JSON). Of several files, the later ones override the earlier ones',
    },
    'work-dir': { type: 'string', describe: "Nextflow's work folder on s3://" },
    config: { type: 'string', describe: "File with Nextflow settings that extend the profile's, as with its -c" },
    queue: { type: 'string', default: 'lanceflow-head', describe: 'Job queue of the head' },
    'job-definition': { type: 'string', default: 'lanceflow-head', describe: 'Job definition of the head' },
    again: {
      type: 'boolean',
      default: false,
      describe: 'Run a campaign that has ended again, with new input or new parameters',
    },
    cancel: { type: 'boolean', default: false, describe: 'End the campaign and its tasks' },
    follow: {
      type: 'boolean',
      default: true,
      describe: 'Show state and log until the campaign ends. --no-follow returns at once',
    },
    poll: { type: 'number', default: 5, describe: 'Seconds between two requests for the state' },
  },
  examples: [
    [
      'launch --campaign soil --params-file soil.json --work-dir s3://bucket/work',
      'Start, follow or resume a campaign',
    ],
    ['launch --campaign soil --cancel', 'End a campaign'],
  ],

  run: (args, { log }) => runCampaign(args, log),

  exitCode: ({ status }) => (status === 'FAILED' ? EXIT.data : EXIT.ok),
  isAnswer: ({ status }) => status === 'FAILED',
  summary: ({ campaign, status, reason }) =>
    `launch: ${campaign} ${status}${reason ? ` (${reason})` : ''}${
      status === 'FAILED' ? '. Fix the error in its log; the same command continues where it ended.' : ''
    }`,
});
