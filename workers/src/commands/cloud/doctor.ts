import { defineCommand } from '../../app/command.ts';
import { paint, print, type Style } from '../../app/terminal.ts';
import { EXIT } from '../../base/errors.ts';
import { checkAwsBatch } from '../../cloud/doctor/awsbatch.ts';
import { formatFindings } from '../../cloud/doctor/finding.ts';
import { checkMachine } from '../../cloud/doctor/machine.ts';
import { readParams } from '../../cloud/launch/read-params.ts';

const STYLES: Record<string, Style> = { ok: 'green', failed: ['bold', 'red'], note: 'yellow' };
const PROFILES = ['standard', 'awsbatch'] as const;

export const command = defineCommand({
  describe:
    'Checks what a run needs, and says how to fix what is missing: on this machine (standard), or the queues, machines, images, roles and ' +
    'buckets on AWS (awsbatch). Exits with 65 where a check fails.',
  options: {
    profile: { choices: PROFILES, default: 'standard' as const, describe: 'Profile of the pipeline' },
    'params-file': {
      type: 'array',
      string: true,
      default: [] as string[],
      describe:
        "awsbatch: the pipeline's parameters (JSON). Of several files, the later ones override the earlier ones",
    },
    'work-dir': { type: 'string', describe: "awsbatch: Nextflow's work folder, s3://" },
    queue: { type: 'string', default: 'lanceflow-head', describe: 'awsbatch: job queue of the head' },
    'job-definition': { type: 'string', default: 'lanceflow-head', describe: 'awsbatch: job definition of the head' },
  },
  examples: [
    ['doctor', 'Check this machine'],
    ['doctor --profile awsbatch --params-file campaign.json --work-dir s3://bucket/work', 'Check AWS'],
  ],

  async run(args) {
    const findings =
      args.profile === 'standard'
        ? await checkMachine()
        : await checkAwsBatch({
            params: await readParams(args.paramsFile),
            ...(args.workDir === undefined ? {} : { workDir: args.workDir }),
            headQueue: args.queue,
            headDefinition: args.jobDefinition,
          });
    if (!args.json) print(formatFindings(findings), colorStatuses);
    const failures = findings.filter(({ status }) => status === 'failed').length;
    return { rows: findings.length, bytes: 0, profile: args.profile, ok: failures === 0, failures, findings };
  },

  exitCode: ({ ok }) => (ok ? EXIT.ok : EXIT.data),
  summary: ({ findings, failures }) =>
    failures === 0
      ? `doctor: all ${findings.length} checks passed`
      : `doctor: ${failures} of ${findings.length} checks failed`,
});

/** Colors the status at the start of each line. */
function colorStatuses(text: string): string {
  return text.replace(/^(ok|failed|note)\b/gm, (status) => paint(STYLES[status]!, status));
}
