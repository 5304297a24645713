import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  embedCores,
  indexCores,
  ingestCores,
  MERGE_CORES,
  SEARCH_CORES,
  USABLE_DISK,
} from '../../../workers/src/forecast/stages/task-resources.ts';
import { ROOT } from '../../support/run.ts';

const config = await readFile(join(ROOT, 'conf/base.config'), 'utf8');
const SIZES = [1000, 1_000_000, 60_000_000, 200_000_000].map((rows) => [rows, 960] as const);

/** Returns the numbers that an expression finds in the settings of a label. */
function numbersOf(label: string, expression: RegExp): number[] {
  const settings = config.slice(config.indexOf(`withLabel: ${label} {`));
  const found = expression.exec(settings.slice(0, settings.indexOf('withLabel:', 1)));
  return (found ?? []).slice(1).map(Number);
}

const limited = (cores: number, most: number) => Math.max(1, Math.min(most, cores));

describe('tasks of a plan ask for the cores of conf/base.config', () => {
  it('ingest', () => {
    const [most, unit, perThread] = numbersOf(
      'ingest',
      /Math\.max\(1, Math\.min\((\d+), Math\.ceil\(Math\.sqrt\(size\.rows \* size\.dimension \/ (\d+)\) \/ (\d+)\) as int\)\)/,
    ) as [number, number, number];
    expect(perThread).toBeGreaterThan(0);
    for (const [rows, dimension] of SIZES)
      expect(ingestCores(rows, dimension)).toBe(
        limited(Math.ceil(Math.sqrt((rows * dimension) / unit) / perThread), most),
      );
  });

  it('index', () => {
    const [most, components, all] = numbersOf(
      'index',
      /isOnePass \? Math\.max\(1, Math\.min\((\d+), Math\.ceil\(size\.rows \* size\.dimension \/ (\d+e\d+)\) as int\)\) : (\d+)/,
    ) as [number, number, number];
    expect(all).toBeGreaterThan(0);
    for (const [rows, dimension] of SIZES) {
      expect(indexCores(rows, dimension, true)).toBe(limited(Math.ceil((rows * dimension) / components), most));
      expect(indexCores(rows, dimension, false)).toBe(all);
    }
  });

  it('the other stages', () => {
    expect(numbersOf('embed', /cpus +=.* \? (\d+) : (\d+) \}/)).toEqual([embedCores('kmer'), embedCores('/a/model')]);
    expect(numbersOf('search', /cpus +=\s+(\d+)/)).toEqual([SEARCH_CORES]);
    expect(numbersOf('merge', /cpus +=\s+(\d+)/)).toEqual([MERGE_CORES]);
  });
});

it('a plan uses the share of a disk that lib/Resources.groovy uses', async () => {
  const resources = await readFile(join(ROOT, 'lib/Resources.groovy'), 'utf8');
  expect(Number(/double USABLE = ([\d.]+)/.exec(resources)?.[1])).toBe(USABLE_DISK);
});
