/** Texts of `lanceflow watch`. */
export const WATCH_MESSAGES = {
  noRun: (folder: string) =>
    `no run of Nextflow was started in ${folder}. Run this command in the folder where the pipeline was started, or name it: --launch-dir FOLDER.`,
  onS3: (workDir: string) =>
    `the work folder of this run is ${workDir}: there, the output of a task appears only when it ends. ` +
    'Follow a campaign with lanceflow launch --campaign NAME, and its tasks with aws logs tail /lanceflow/tasks --follow.',
  noWorkDir: (workDir: string) =>
    `the work folder ${workDir} cannot be read here. Run this command on a machine that shares it, or name it: --work-dir FOLDER.`,
  killed: (name: string) =>
    `${name}: the Nextflow process of this run was killed. Tasks that it submitted to a cluster may still run. To go on, run its command again ` +
    'with -resume: finished tasks are not repeated.',
  invalidInterval: (seconds: number) => `--interval must be a number of seconds above 0, not ${seconds}.`,
};
