import { defineCommand } from '../../app/command.ts';
import { createRedrawnText } from '../../app/terminal.ts';
import { EXIT, UsageError } from '../../base/errors.ts';
import { KILLED } from '../../watch/pipeline-run.ts';
import { WATCH_MESSAGES } from '../../watch/watch-messages.ts';
import { watchRun } from '../../watch/watch-run.ts';

export const command = defineCommand({
  describe:
    'Shows the running tasks of the latest pipeline run, with their progress, rate and remaining time, until the run ends. Ends with exit code 75 where ' +
    "the run's Nextflow process was killed. It reads " +
    "what the tasks write into Nextflow's work folder, on this machine or on a file system that the machines of a cluster share.",
  options: {
    'launch-dir': { type: 'string', default: '.', describe: 'Folder in which Nextflow was started' },
    'work-dir': { type: 'string', describe: "Nextflow's work folder. Default: that of the run" },
    interval: {
      type: 'number',
      describe: 'Seconds between two readings. Default: 2 on a terminal, 30 elsewhere',
    },
    once: { type: 'boolean', default: false, describe: 'Show the state once; so does --json' },
  },
  examples: [
    ['watch', 'Follow the run that was started in this folder'],
    ['watch --launch-dir ~/campaign --once', 'Print the state of another run'],
  ],

  async run({ launchDir, workDir, interval, once, json }, { warn }) {
    const text = createRedrawnText();
    const seconds = interval ?? (text.isTerminal ? 2 : 30);
    if (!(seconds > 0)) throw new UsageError(WATCH_MESSAGES.invalidInterval(seconds));
    const request = { launchDir, workDir, once: once || json, intervalMs: seconds * 1000 };
    const { run, state } = await watchRun(request, json ? { ...text, show() {} } : text);
    if (run.status === KILLED) warn(WATCH_MESSAGES.killed(run.name));
    const { running, ...counts } = state;
    return {
      rows: running.length,
      bytes: 0,
      run: run.name,
      status: run.status ?? 'RUNNING',
      ...counts,
      tasks: running,
    };
  },

  exitCode: ({ status }) => (status === KILLED ? EXIT.transient : EXIT.ok),
  summary: ({ run, status }) => `watch: ${run} ${status === 'RUNNING' ? 'runs' : `ended: ${status}`}`,
});
