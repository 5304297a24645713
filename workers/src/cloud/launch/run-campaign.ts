import { readFile } from 'node:fs/promises';
import type { Batch } from '@aws-sdk/client-batch';
import { endMonitoringByError } from '../../app/monitoring/monitor.ts';
import { print, say } from '../../app/terminal.ts';
import { UsageError } from '../../base/errors.ts';
import { formatS3Uri, parseS3Uri } from '../../base/s3-location.ts';
import { openBatch, openLogs, useRegion } from '../clients.ts';
import { LAUNCH, REASONS } from '../cloud-messages.ts';
import { requireRights } from '../doctor/check-rights.ts';
import { checkCampaign, differences, type Head, jobNameOf, type Params, planHead, taskQueuesOf } from './campaign.ts';
import { cancelCampaign } from './cancel.ts';
import { followHead } from './follow.ts';
import { findHeads, type HeadJob, isActive, submitHead } from './heads.ts';
import { LogReader, logGroupOf } from './log.ts';
import { requireCampaignParams } from './params.ts';
import { readParams } from './read-params.ts';
import { endTasks } from './tasks.ts';

/** Exit code after Ctrl-C. */
const INTERRUPTED = 130;

/** A campaign, and the action to take. */
export interface CampaignRequest {
  campaign: string;
  paramsFile: readonly string[];
  workDir?: string | undefined;
  config?: string | undefined;
  queue: string;
  jobDefinition: string;
  again: boolean;
  cancel: boolean;
  follow: boolean;
  /** Seconds between two requests for the state. */
  poll: number;
  /** Standard output belongs to the report: the log goes to standard error. */
  json: boolean;
}

/**
 * Starts, follows, resumes or ends a campaign on AWS.
 * @throws UsageError if the campaign exists with other arguments, or parameters are wrong
 */
export async function runCampaign(args: CampaignRequest, log: (message: string) => void) {
  const campaign = checkCampaign(args.campaign);
  if (!(args.poll > 0)) throw new UsageError(LAUNCH.invalidPoll);
  const params = await readParams(args.paramsFile);
  const region = await useRegion(params.aws_region === undefined ? undefined : String(params.aws_region));
  const plan = args.cancel ? undefined : planFor(args.workDir, campaign, region, params, await readConfig(args.config));
  const batch = await openBatch(region);
  const heads = await findHeads(batch, args.queue, jobNameOf(campaign));
  const listener = {
    say: (text: string) => log(`${campaign}: ${text}`),
    line: args.json ? say : print,
  };
  if (!plan) return cancelCampaign(batch, campaign, heads, params, args.poll * 1000, listener.say);

  const known = chooseHead(heads, plan, campaign, args.again);
  listener.say(known ? LAUNCH.following(known.id) : LAUNCH.submitting);
  const head =
    known ?? (await startHead(batch, { args, campaign, params, region, plan }, heads.length > 0, listener.say));
  if (!args.follow) return report(campaign, head);
  const stop = () => {
    const message = LAUNCH.notFollowed(campaign);
    log(message);
    endMonitoringByError(INTERRUPTED, message.trim());
    process.exit(INTERRUPTED);
  };
  // Before the handlers that report stopped work: the job does not stop.
  process.prependOnceListener('SIGINT', stop);
  const reader = new LogReader(await openLogs(region), await logGroupOf(batch, head.definition));
  return report(campaign, await followHead(batch, reader, head, listener, args.poll * 1000));
}

interface Start {
  args: CampaignRequest;
  campaign: string;
  params: Params;
  region: string;
  plan: Head;
}

/** Starts a head: checks the roles, ends the tasks of a previous head, submits the job. @param hadHead whether the campaign had a head */
async function startHead(
  batch: Batch,
  { args, campaign, params, region, plan }: Start,
  hadHead: boolean,
  say: (text: string) => void,
): Promise<HeadJob> {
  await requireRights(batch, { params, workDir: args.workDir, region, name: campaign }, args.jobDefinition, say);
  // Tasks of a lost head would run at the same time as those of this one.
  const endedTasks = hadHead ? await endTasks(batch, taskQueuesOf(params), campaign, REASONS.lostHead) : [];
  if (endedTasks.length > 0) say(LAUNCH.endingTasks(endedTasks.length));
  const head = await submitHead(batch, args.queue, args.jobDefinition, campaign, plan);
  // Another user may have submitted the campaign at the same moment, with other arguments.
  requireSameArguments(head, plan, campaign);
  say(LAUNCH.submitted(head.id));
  return head;
}

async function readConfig(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : readFile(path, 'utf8');
}

function planFor(
  workDir: string | undefined,
  campaign: string,
  region: string,
  params: Params,
  config: string | undefined,
): Head {
  if (workDir === undefined) throw new UsageError(LAUNCH.noWorkDir);
  requireCampaignParams(params);
  return planHead(campaign, formatS3Uri(parseS3Uri(workDir)), region, params, config);
}

/**
 * Chooses the head to follow; undefined if a new one must be started.
 * @throws UsageError if the campaign runs, or ran, with other arguments
 */
function chooseHead(heads: readonly HeadJob[], plan: Head, campaign: string, again: boolean): HeadJob | undefined {
  const head = heads.find(isActive) ?? heads[0];
  if (!head || (!isActive(head) && (again || head.status === 'FAILED'))) return undefined;
  requireSameArguments(head, plan, campaign);
  return head;
}

function requireSameArguments(head: HeadJob, { command }: Head, campaign: string): void {
  const changed = differences(head.command, command);
  if (changed === '') return;
  throw new UsageError(
    isActive(head) ? LAUNCH.runningOtherwise(campaign, changed) : LAUNCH.endedOtherwise(campaign, changed),
  );
}

function report(campaign: string, head: HeadJob) {
  const { id, status, reason, exitCode } = head;
  return { rows: 1, bytes: 0, campaign, jobId: id, status, reason, headExitCode: exitCode ?? null };
}
