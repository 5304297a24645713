import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Measurements } from '../../workers/src/forecast/model/growth.ts';
import type { UnitMeasurements } from '../../workers/src/forecast/model/unit-terms.ts';
import type { Saved } from '../search/result.ts';
import { ROOT } from '../support/run.ts';
import type { ThreadsResult } from '../threads/threads-page.ts';

/** bench/results/scale.json */
export interface ScaleResult extends Measurements {
  command: string;
  machine: string;
  date: string;
  units: UnitMeasurements;
}

/** The results that docs/scale.md derives from. */
export interface ScaleInputs {
  scale: ScaleResult;
  threads: ThreadsResult;
  search: Saved;
}

export async function readInputs(): Promise<ScaleInputs> {
  const read = async (name: string) => JSON.parse(await readFile(join(ROOT, `bench/results/${name}.json`), 'utf8'));
  const [scale, threads, search] = await Promise.all(['scale', 'threads', 'search'].map(read));
  return { scale, threads, search };
}
