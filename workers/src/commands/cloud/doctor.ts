import { defineCommand } from '../../app/command.ts';
import { print } from '../../app/terminal.ts';
import { EXIT } from '../../base/errors.ts';
import { checkAwsBatch } from '../../cloud/doctor/awsbatch.ts';
import { type Finding, formatFindings } from '../../cloud/doctor/finding.ts';
import { checkMachine } from '../../cloud/doctor/machine.ts';
import { readParams } from '../../cloud/launch/read-params.ts';

const PROFILES = ['standard', 'awsbatch'] as const;

export const command = defineCommand({
  describe:
    'Checks what a run needs, and tells what to do where it is missing: this machine (standard), or queues, machines, images, roles and ' +
    'buckets on AWS (awsbatch). Ends with 65 where something is wrong.',
  options: {
    profile: { choices: PROFILES, default: 'standard' as const, describe: "The pipeline's profile" },
    'params-file': {
      type: 'array',
      string: true,
      default: [] as string[],
      describe: "awsbatch: the pipeline's parameters (JSON); several: the last one counts",
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
            params: await readParams(args.paramsFile as string[]),
            ...(args.workDir === undefined ? {} : { workDir: args.workDir }),
            headQueue: args.queue,
            headDefinition: args.jobDefinition,
          });
    if (args.json !== true) print(formatFindings(findings));
    const failures = findings.filter(({ status }) => status === 'failed').length;
    return { rows: findings.length, bytes: 0, profile: args.profile, ok: failures === 0, failures, findings };
  },

  exitCode: ({ ok }) => (ok ? EXIT.ok : EXIT.data),
  summary: ({ findings, failures }) =>
    failures === 0
      ? `doctor: all is well (${(findings as Finding[]).length} checks)`
      : `doctor: ${failures} of ${(findings as Finding[]).length} checks failed`,
});
