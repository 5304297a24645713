import { createHash } from 'node:crypto';
import { UsageError } from '../../base/errors.ts';
import { LAUNCH } from '../cloud-messages.ts';

/** The tag with a job's campaign; conf/awsbatch.config sets it on every task. */
export const CAMPAIGN_TAG = 'lanceflow-campaign';

/** Path of the pipeline in the head's image (containers/head/Dockerfile). */
const PIPELINE = '/opt/lanceflow/main.nf';
/** The variable with the text of --config. */
const CONFIG = 'LANCEFLOW_CONFIG';
/** Batch accepts 8192 characters of overrides, including their names. */
const MAX_CHARACTERS = 7000;

export type Params = Record<string, string | number | boolean>;

/** A head as a job of Batch. */
export interface Head {
  jobName: string;
  command: string[];
  environment: Record<string, string>;
}

/** Checks a campaign's name. @throws UsageError if it is not valid for a Batch job and a tag */
export function checkCampaign(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,99}$/.test(name)) throw new UsageError(LAUNCH.invalidName(name));
  return name;
}

/** Returns the queues of a campaign's tasks. */
export const taskQueuesOf = (params: Params): string[] =>
  ['light', 'storage', 'gpu'].map((kind) => String(params[`aws_queue_${kind}`] ?? `lanceflow-${kind}`));

/** Returns the job name of a campaign's head. */
export const jobNameOf = (campaign: string) => `lanceflow-${campaign}`;

/**
 * Plans the head of a campaign. Its session and cache depend on the campaign alone, not on the machine, so it resumes the work of an
 * earlier head.
 * @param workDir s3:// prefix
 * @param config text of a Nextflow configuration that extends the profile
 * @throws UsageError if the arguments are longer than Batch accepts
 */
export function planHead(campaign: string, workDir: string, region: string, params: Params, config?: string): Head {
  const values = { ...params, aws_region: region, campaign };
  const nextflow = [
    ...['nextflow', 'run', PIPELINE, '-profile', 'awsbatch', '-ansi-log', 'false'],
    // Without a history of runs, Nextflow needs the name too.
    ...['-work-dir', workDir, '-resume', sessionOf(campaign, workDir), '-name', runNameOf(campaign)],
    ...Object.entries(values)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `--${name}=${value}`),
  ];
  const command = config === undefined ? nextflow : withConfig(nextflow, config);
  if (JSON.stringify([command, config]).length > MAX_CHARACTERS) throw new UsageError(LAUNCH.tooLong(MAX_CHARACTERS));
  const environment = {
    AWS_REGION: region,
    NXF_CLOUDCACHE_PATH: `${workDir}/cache`,
    // The history of runs was on a machine that no longer exists: -resume names the session instead.
    NXF_IGNORE_RESUME_HISTORY: 'true',
    // For containers/head/start: a head that Batch restarts first ends the tasks of its previous attempt.
    LANCEFLOW_CAMPAIGN: campaign,
    LANCEFLOW_QUEUES: taskQueuesOf(params).join(' '),
    ...(config === undefined ? {} : { [CONFIG]: config }),
  };
  return { jobName: jobNameOf(campaign), command, environment };
}

/** Makes the head write the configuration to a file first. The file's name contains its hash, so a changed configuration changes the command. */
function withConfig(nextflow: readonly string[], config: string): string[] {
  const file = `launch-${createHash('sha256').update(config).digest('hex').slice(0, 12)}.config`;
  return ['sh', '-c', `printf '%s\\n' "$${CONFIG}" > "$0" && exec "$@"`, file, ...nextflow, '-c', file];
}

/** Turns a campaign's name into a run name of Nextflow: a-z, 0-9, single hyphens inside. */
function runNameOf(campaign: string): string {
  return campaign.toLowerCase().replace(/[-_]+/g, '-').slice(0, 80).replace(/-$/, '');
}

/** Returns Nextflow's session of a campaign: a UUID that depends on its name and work folder alone. */
function sessionOf(campaign: string, workDir: string): string {
  const hex = createHash('sha256').update(`lanceflow\n${workDir}\n${campaign}`).digest('hex');
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Describes the difference between two commands: "--k=10 -> --k=20"; empty if they are equal. */
export function differences(before: readonly string[], now: readonly string[]): string {
  const only = (these: readonly string[], others: readonly string[]) =>
    these.filter((argument) => !others.includes(argument)).join(' ') || 'nothing';
  return before.length === now.length && before.every((argument, i) => argument === now[i])
    ? ''
    : `${only(before, now)} -> ${only(now, before)}`;
}
