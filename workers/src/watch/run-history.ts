import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UsageError } from '../base/errors.ts';
import { returnIfMissing } from '../base/missing-files.ts';
import { WATCH_MESSAGES } from './watch-messages.ts';

/** The latest run that was started in a folder. */
export interface PipelineRun {
  name: string;
  startedMs: number;
  /** "OK" or "ERR"; undefined while it runs, and of a run that was killed. */
  status: string | undefined;
  /** Nextflow's own duration, once the run has ended. */
  duration: string | undefined;
  /** Absolute path, or an address such as s3://bucket/work. */
  workDir: string;
}

const NONE = '-';

/**
 * Reads Nextflow's record of its runs, `.nextflow/history`, and the work folder from its log.
 * @param workDir in place of that of the log
 * @throws UsageError if no run was started there
 */
export async function readLatestRun(launchDir: string, workDir?: string): Promise<PipelineRun> {
  const history = await readFile(join(launchDir, '.nextflow/history'), 'utf8').catch(returnIfMissing(''));
  const line = history.trimEnd().split('\n').at(-1) ?? '';
  // Nextflow writes the local time, without its zone.
  const [started = '', duration = NONE, name = '', status = NONE] = line.split('\t');
  const startedMs = new Date(started.replace(' ', 'T')).getTime();
  if (name === '' || Number.isNaN(startedMs)) throw new UsageError(WATCH_MESSAGES.noRun(resolve(launchDir)));
  const known = workDir ?? (await loggedWorkDir(launchDir)) ?? 'work';
  return {
    ...{ name, startedMs },
    status: status === NONE ? undefined : status,
    duration: duration === NONE ? undefined : duration,
    workDir: known.includes('://') ? known : resolve(workDir === undefined ? launchDir : '.', known),
  };
}

async function loggedWorkDir(launchDir: string): Promise<string | undefined> {
  const log = await readFile(join(launchDir, '.nextflow.log'), 'utf8').catch(returnIfMissing(''));
  return / - Work-dir: (.+?)(?: \[[^\]]*\])?$/m.exec(log)?.[1];
}
