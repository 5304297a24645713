import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { returnIfMissing } from '../base/missing-files.ts';
import { readStart } from './read-edge.ts';

/** A run that was started in a folder. */
export interface PipelineRun {
  name: string;
  startedMs: number;
  /** "OK" or "ERR"; undefined while it runs, and of a run that was killed. */
  status: string | undefined;
  /** Nextflow's own duration, once the run has ended. */
  duration: string | undefined;
}

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

/** Finds the work folder of the latest run in its log: an absolute path, or an address such as s3://bucket/work. */
export async function findWorkDir(launchDir: string): Promise<string | undefined> {
  const log = await readStart(join(launchDir, '.nextflow.log'), LOG_BYTES);
  return / - Work-dir: (.+?)(?: \[[^\]]*\])?$/m.exec(log)?.[1];
}
