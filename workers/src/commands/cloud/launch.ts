import { readFile } from 'node:fs/promises';
import { defineCommand } from '../../app/command.ts';
import { print, say } from '../../app/terminal.ts';
import { EXIT, UsageError } from '../../base/errors.ts';
import { formatS3Uri, parseS3Uri } from '../../base/s3-location.ts';
import { openBatch, openLogs, useRegion } from '../../cloud/clients.ts';
import { requireRights } from '../../cloud/doctor/check-rights.ts';
import {
  checkCampaign,
  differences,
  type Head,
  jobNameOf,
  type Params,
  planHead,
  taskQueuesOf,
} from '../../cloud/launch/campaign.ts';
import { cancelCampaign } from '../../cloud/launch/cancel.ts';
import { followHead } from '../../cloud/launch/follow.ts';
import { findHeads, type HeadJob, isActive, submitHead } from '../../cloud/launch/heads.ts';
import { LogReader, logGroupOf } from '../../cloud/launch/log.ts';
import { requireCampaignParams } from '../../cloud/launch/params.ts';
import { readParams } from '../../cloud/launch/read-params.ts';
import { endTasks } from '../../cloud/launch/tasks.ts';

const FORMER = 'the head that submitted it has ended';

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

  async run(args, { log }) {
    const campaign = checkCampaign(args.campaign);
    if (!(args.poll > 0)) throw new UsageError('--poll must be above 0.');
    const params = await readParams(args.paramsFile as string[]);
    const region = await useRegion(params.aws_region === undefined ? undefined : String(params.aws_region));
    const plan = args.cancel
      ? undefined
      : planned(args.workDir, campaign, region, params, await readConfig(args.config));
    const batch = await openBatch(region);
    const heads = await findHeads(batch, args.queue, jobNameOf(campaign));
    const listener = {
      say: (text: string) => log(`${campaign}: ${text}`),
      line: args.json ? say : print,
    };
    if (!plan) return cancelCampaign(batch, campaign, heads, params, args.poll * 1000, listener.say);

    let head = chooseHead(heads, plan, campaign, args.again);
    listener.say(head ? `follows job ${head.id}` : 'submits a job');
    if (!head) {
      const places = { params, workDir: args.workDir, region, name: campaign };
      await requireRights(batch, places, args.jobDefinition, listener.say);
      // Tasks of a head that was lost would run beside those of this one.
      const former = heads.length === 0 ? [] : await endTasks(batch, taskQueuesOf(params), campaign, FORMER);
      if (former.length > 0) listener.say(`ends ${former.length} tasks of its former head`);
      head = await submitHead(batch, args.queue, args.jobDefinition, campaign, plan);
      // Whoever was first at the same moment may have wanted something else.
      refuseOther(head, plan, campaign);
      listener.say(`is job ${head.id}`);
    }
    if (!args.follow) return report(campaign, head);
    const stop = () => {
      log(`\n${campaign}: no longer followed; the job goes on. The same command follows it again, --cancel ends it.`);
      process.exit(130);
    };
    // Before those who say that a signal stopped the work: it does not.
    process.prependOnceListener('SIGINT', stop);
    const reader = new LogReader(await openLogs(region), await logGroupOf(batch, head.definition));
    return report(campaign, await followHead(batch, reader, head, listener, args.poll * 1000));
  },

  exitCode: ({ status }) => (status === 'FAILED' ? EXIT.data : EXIT.ok),
  summary: ({ campaign, status, reason }) =>
    `launch: ${campaign} ${status}${reason ? ` (${reason})` : ''}${
      status === 'FAILED' ? '. Mend what its log says; the same command goes on where it ended.' : ''
    }`,
});

async function readConfig(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : readFile(path, 'utf8');
}

function planned(
  workDir: string | undefined,
  campaign: string,
  region: string,
  params: Params,
  config: string | undefined,
): Head {
  if (workDir === undefined) throw new UsageError('--work-dir is missing: s3://bucket/work, say.');
  requireCampaignParams(params);
  return planHead(campaign, formatS3Uri(parseS3Uri(workDir)), region, params, config);
}

/**
 * The head to follow, of those that there are; undefined where one is to be started.
 * @throws UsageError where the campaign runs, or ran, with other arguments
 */
function chooseHead(heads: readonly HeadJob[], plan: Head, campaign: string, again: boolean): HeadJob | undefined {
  const head = heads.find(isActive) ?? heads[0];
  if (!head || (!isActive(head) && (again || head.status === 'FAILED'))) return undefined;
  refuseOther(head, plan, campaign);
  return head;
}

function refuseOther(head: HeadJob, { command }: Head, campaign: string): void {
  const changed = differences(head.command, command);
  if (changed === '') return;
  throw new UsageError(
    isActive(head)
      ? `${campaign} is running with other arguments (${changed}). Wait for it, end it (--cancel), or choose another name.`
      : `${campaign} has ended, with other arguments (${changed}). Run it again with these (--again), or choose another name.`,
  );
}

function report(campaign: string, head: HeadJob) {
  const { id, status, reason, exitCode } = head;
  return { rows: 1, bytes: 0, campaign, jobId: id, status, reason, headExitCode: exitCode ?? null };
}
