import { createHash } from 'node:crypto';
import { UsageError } from '../../base/errors.ts';

/** The tag that tells whose a job is; conf/awsbatch.config gives it to every task. */
export const CAMPAIGN_TAG = 'lanceflow-campaign';

/** Where the pipeline is in the head's image (containers/head/Dockerfile). */
const PIPELINE = '/opt/lanceflow/main.nf';
/** The variable by which the head gets settings. */
const CONFIG = 'LANCEFLOW_CONFIG';
/** Batch takes 8192 characters of overrides; some are for their names. */
const MOST_CHARACTERS = 7000;

export type Params = Record<string, string | number | boolean>;

/** What the head is to run, as Batch is told. */
export interface Head {
  jobName: string;
  command: string[];
  environment: Record<string, string>;
}

/** @throws UsageError where the name cannot be one of a Batch job and a tag */
export function checkCampaign(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,99}$/.test(name))
    throw new UsageError(
      `--campaign ${JSON.stringify(name)}: a name has up to 100 letters, digits, "-" and "_", and begins with a letter.`,
    );
  return name;
}

/** The queues of a campaign's tasks. */
export const taskQueuesOf = (params: Params): string[] =>
  ['light', 'storage', 'gpu'].map((kind) => String(params[`aws_queue_${kind}`] ?? `lanceflow-${kind}`));

/** The name of a campaign's head among Batch's jobs. */
export const jobNameOf = (campaign: string) => `lanceflow-${campaign}`;

/**
 * The head of a campaign. The same campaign gives the same session and the same cache, whichever machine it runs on, so it
 * resumes what an earlier head has done.
 * @param workDir s3:// prefix @param config settings of Nextflow besides the profile's, as text
 * @throws UsageError where there is more than Batch takes
 */
export function planHead(campaign: string, workDir: string, region: string, params: Params, config?: string): Head {
  const values = { ...params, aws_region: region, campaign };
  const nextflow = [
    ...['nextflow', 'run', PIPELINE, '-profile', 'awsbatch', '-ansi-log', 'false'],
    // Without a list of earlier runs Nextflow wants to be told the name, too.
    ...['-work-dir', workDir, '-resume', sessionOf(campaign, workDir), '-name', runNameOf(campaign)],
    ...Object.entries(values)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `--${name}=${value}`),
  ];
  const command = config === undefined ? nextflow : withConfig(nextflow, config);
  if (JSON.stringify([command, config]).length > MOST_CHARACTERS)
    throw new UsageError(
      `The parameters and --config have more than the ${MOST_CHARACTERS} characters that AWS Batch takes. Name a prefix or a samplesheet instead of many files.`,
    );
  const environment = {
    AWS_REGION: region,
    NXF_CLOUDCACHE_PATH: `${workDir}/cache`,
    // The list of earlier runs was on a machine that is gone; the session is named instead.
    NXF_IGNORE_RESUME_HISTORY: 'true',
    // For the image's containers/head/start: a head that Batch starts again ends what the former start left behind.
    LANCEFLOW_CAMPAIGN: campaign,
    LANCEFLOW_QUEUES: taskQueuesOf(params).join(' '),
    ...(config === undefined ? {} : { [CONFIG]: config }),
  };
  return { jobName: jobNameOf(campaign), command, environment };
}

/** The head writes the settings to a file first, whose name changes with them: another file is another command. */
function withConfig(nextflow: readonly string[], config: string): string[] {
  const file = `launch-${createHash('sha256').update(config).digest('hex').slice(0, 12)}.config`;
  return ['sh', '-c', `printf '%s\\n' "$${CONFIG}" > "$0" && exec "$@"`, file, ...nextflow, '-c', file];
}

/** A campaign's name as Nextflow allows it for a run: a-z, 0-9, single hyphens inside. */
function runNameOf(campaign: string): string {
  return campaign.toLowerCase().replace(/[-_]+/g, '-').slice(0, 80).replace(/-$/, '');
}

/** Nextflow's session of a campaign: a UUID that depends on its name and work folder alone. */
function sessionOf(campaign: string, workDir: string): string {
  const hex = createHash('sha256').update(`lanceflow\n${workDir}\n${campaign}`).digest('hex');
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** What is different in two commands, for a person: "--k=10 -> --k=20"; empty where they are the same. */
export function differences(before: readonly string[], now: readonly string[]): string {
  const only = (these: readonly string[], others: readonly string[]) =>
    these.filter((argument) => !others.includes(argument)).join(' ') || 'nothing';
  return before.length === now.length && before.every((argument, i) => argument === now[i])
    ? ''
    : `${only(before, now)} -> ${only(now, before)}`;
}
