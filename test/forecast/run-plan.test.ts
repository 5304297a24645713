import { describe, expect, it } from 'vitest';
import { parseRunPlan, type RunPlan } from '../../workers/src/forecast/run-plan.ts';

const one = { estimate: 1, low: 0.5, high: 2 };
const figures = {
  ...{ hours: one, cpuHours: one, bytesRead: 10, bytesWritten: 20, bytesStored: 20, requests: 0 },
  dollars: { estimate: 0, low: 0, high: 0 },
};
const plan: RunPlan = {
  ...{ format: 1, version: '0.1.0' },
  rates: [{ stage: 'ingest-bucket', source: 'measured', from: '2 cores, 2026-11-29' }],
  machine: { name: 'local', cpus: 2, memoryGiB: 24, diskGB: 100, dollarsPerHour: 0, date: '2026-11-29' },
  stages: [{ command: 'ingest-bucket', tasks: 1, ...figures }],
  total: figures,
};

describe('parseRunPlan', () => {
  const parse = (document: unknown) => parseRunPlan(JSON.stringify(document), 'run_plan.json');

  it('returns the plan', () => {
    expect(parse(plan)).toEqual(plan);
  });

  it('refuses documents of another format, and says which version wrote them', () => {
    expect(() => parse({ ...plan, format: 2, version: '9.0.0' })).toThrow(
      'run_plan.json: format 2 of the plan, written by LanceFlow 9.0.0, is not the one of this version.',
    );
  });

  it('names a field that is wrong', () => {
    expect(() => parse({ ...plan, total: { ...figures, bytesRead: -1 } })).toThrow('"total.bytesRead" is -1');
    expect(() => parse({ ...plan, total: { ...figures, hours: { estimate: 3, low: 1, high: 2 } } })).toThrow(
      '"total.hours"',
    );
    expect(() => parseRunPlan('no', 'x.json')).toThrow('x.json: not a plan of a run (it is not JSON)');
  });
});
