import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from '../../support/run.ts';

// The command lines that Nextflow submits to AWS Batch. They are a contract between Nextflow and the image, quoted from
// nextflow-io/nextflow, plugins/nf-amazon/src/main/nextflow/cloud/aws/batch/AwsBatchExecutor.groovy (s3Cmd and
// getLaunchCommand; without encryption, debugging and requester pays, with a region and without cliPath), tags v24.10.0 and
// v25.10.0, where a signal reaches the task.

export const REGION = 'us-east-1';
const read = (name: string) =>
  readFileSync(join(ROOT, 'test/pipeline/support/s3-plugin', name), 'utf8')
    .trim()
    .replaceAll('REGION', REGION);

/** Returns the command of a task's container, by Nextflow's version. @param workDir the task's folder, s3://... */
export const launchCommand = (version: '24.10' | '25.10', workDir: string) => [
  ...['bash', '-o', 'pipefail', '-c'],
  read(`launch-${version}.txt`).replaceAll('WORK', workDir),
];

// Each file takes two calls, as in AwsBatchFileCopyStrategy and S3BashLib: a listing shows whether it is a folder.
const STAGING = `\n${read('staging.sh')}\n`;

/**
 * Turns the script of a local task (.command.run, with process.scratch) into that of a task on AWS Batch: links and copies become
 * downloads and uploads.
 * @param local the task's folder here @param workDir its folder on S3 @param inputs where each linked file is on S3, by its
 * path here @param bin where the project's bin/ is on S3
 * @throws where the script has another form
 */
export function toBatch(
  script: string,
  local: string,
  workDir: string,
  inputs: ReadonlyMap<string, string>,
  bin: string,
): string {
  const given = [`${local}/.command.sh`, `${local}/.command.run`].map(
    (path) => `downloads+=("nxf_s3_download ${workDir}/${basename(path)} ${basename(path)}")`,
  );
  const place = local.replaceAll(/[^\w/-]/g, '\\$&');
  const changes: [RegExp, string | ((...found: string[]) => string)][] = [
    [/^nxf_sleep\(\)/m, () => `${STAGING}\nnxf_sleep()`],
    [new RegExp(`> ${place}/\\.exitcode$`, 'm'), `| nxf_s3_upload - ${workDir}/.exitcode || true`],
    [new RegExp(`/bin/bash( -ue)? ${place}/`, 'g'), (_, options = '') => `/bin/bash${options} `],
    [new RegExp(`touch ${place}/\\.command\\.begin`), `echo start | nxf_s3_upload - ${workDir}/.command.begin`],
    [/NXF_SCRATCH=.*/, 'NXF_SCRATCH="$(set +u; nxf_mktemp /scratch)"'.replaceAll('$', '$$$$')],
    [
      /^ {4}export PATH=.*$/m,
      () =>
        `aws --region ${REGION} s3 cp --recursive --only-show-errors ${bin} $PWD/nextflow-bin\nchmod +x $PWD/nextflow-bin/* || true\nexport PATH=$PWD/nextflow-bin:$PATH\nexport LANCEFLOW_WORK="/scratch"`,
    ],
    [/ {4}# stage input files\n/, () => ` downloads=(true)\n${given.join('\n')}\n`],
    [
      /^ {4}mkdir -p input && ln -s (\S+) (\S+)$/m,
      (_, from, to) => {
        const uri = inputs.get(from!);
        if (uri === undefined) throw new Error(`not given: ${from}`);
        return `mkdir -p input && downloads+=("nxf_s3_download ${uri} ${to}")\nnxf_parallel "\${downloads[@]}"`;
      },
    ],
    [
      new RegExp(`cp (\\.command\\.\\w+) ${place}/\\.command\\.\\w+`, 'g'),
      (_, name) => `nxf_s3_upload ${name} ${workDir}`,
    ],
    [/^ {4}IFS=\$'\\n'$/m, (line) => `uploads=()\n${line}`],
    [new RegExp(`nxf_fs_copy "\\$name" ${place} \\|\\| true`), () => `uploads+=("nxf_s3_upload '$name' ${workDir}")`],
    [/^ {4}unset IFS$/m, () => `unset IFS\nnxf_parallel "\${uploads[@]}"`],
  ];
  let text = script;
  for (const [pattern, by] of changes) {
    const changed = text.replace(pattern, by as string);
    if (changed === text) throw new Error(`Nextflow's script has no ${pattern}:\n${script}`);
    text = changed;
  }
  // A remaining path of this machine would be a step that was missed.
  if (text.includes(local)) throw new Error(`${local} is still in:\n${text}`);
  return text;
}
