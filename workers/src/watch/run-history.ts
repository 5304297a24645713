import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { returnIfMissing } from '../base/missing-files.ts';
import { type HeadProcess, parseHead } from './head-process.ts';
import type { PipelineRun } from './pipeline-run.ts';
import { readStart } from './read-edge.ts';

const NONE = '-';
/** Nextflow logs the work folder when it starts; the log of a long run has gigabytes. */
const LOG_BYTES = 1 << 20;

/** Reads Nextflow's record of the runs of a folder, `.nextflow/history`, in the order of their starts. */
export async function readRuns(launchDir: string): Promise<PipelineRun[]> {
  const history = await readFile(join(launchDir, '.nextflow/history'), 'utf8').catch(returnIfMissing(''));
  return history
    .split('\n')
    .map(parseRun)
    .filter((run) => run !== undefined);
}

function parseRun(line: string): PipelineRun | undefined {
  const [started = '', duration = NONE, name = '', status = NONE] = line.split('\t');
  // Nextflow writes the local time, without its zone.
  const startedMs = new Date(started.replace(' ', 'T')).getTime();
  if (name === '' || Number.isNaN(startedMs)) return undefined;
  const known = (text: string) => (text === NONE ? undefined : text);
  return { name, startedMs, status: known(status), duration: known(duration) };
}

/** What the log of a run says about it. */
export interface RunLog {
  /** An absolute path, or an address such as s3://bucket/work; undefined before the run has one. */
  workDir: string | undefined;
  /** undefined if the log is that of another run. */
  head: HeadProcess | undefined;
}

/** Reads the log of the latest run of a folder. @param runName of this run */
export async function readRunLog(launchDir: string, runName: string): Promise<RunLog> {
  const log = await readStart(join(launchDir, '.nextflow.log'), LOG_BYTES);
  return {
    workDir: / - Work-dir: (.+?)(?: \[[^\]]*\])?$/m.exec(log)?.[1],
    head: parseHead(log, runName),
  };
}
