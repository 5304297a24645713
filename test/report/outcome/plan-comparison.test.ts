import { describe, expect, it } from 'vitest';
import { parseRunPlan, type RunPlan } from '../../../workers/src/forecast/run-plan.ts';
import { renderBuild } from '../../../workers/src/report/outcome/build-page.ts';
import { comparePlan, ratioOf } from '../../../workers/src/report/outcome/plan-comparison.ts';
import { planSection } from '../../../workers/src/report/outcome/plan-section.ts';

const hours = (estimate: number) => ({ estimate, low: estimate / 2, high: estimate * 2 });
const bytes = { bytesRead: 1e9, bytesWritten: 2e9, bytesStored: 2e9 };

function planOf(price: number | undefined): RunPlan {
  const priced = price === undefined ? {} : { dollars: hours(price) };
  const figures = { hours: hours(1), cpuHours: hours(4), requests: 100, ...bytes, ...priced };
  const machine = { name: 'i4i.8xlarge', cpus: 32, memoryGiB: 256, diskGB: 7500, date: '2026-11-01' };
  const rate = price === undefined ? {} : { machineShare: 0.5, dollarsPerHour: price, requestDollars: 0.2 };
  const stage = (command: string) => ({ command, tasks: 2, ...figures, ...rate });
  const plan = {
    ...{
      format: 1,
      version: '0.1.0',
      rates: [],
      machine,
      stages: ['ingest-bucket', 'index-bucket', 'render-report'].map(stage),
    },
    total: { ...figures, hours: hours(2) },
  };
  return parseRunPlan(JSON.stringify(plan), 'run_plan.json');
}

const at = (second: number) => new Date(1000 * second).toISOString();
// Both tasks of ingest-bucket ran at once.
const REPORTS = [
  { command: 'ingest-bucket', started: at(0), seconds: 3600, bytes: 3e9, bytesRead: 5e8, requests: 50 },
  { command: 'ingest-bucket', started: at(1800), seconds: 3600, bytes: 1e9, bytesRead: 5e8, requests: 100 },
  { command: 'pack-buckets', started: at(7200), seconds: 36, bytes: 10 },
];

describe('comparePlan', () => {
  const { stages, total } = comparePlan(planOf(4), REPORTS);
  const [pack, ingest, index] = stages;

  it('lists planned stages and those that ran, in the order of the pipeline, but not its own', () => {
    expect(stages.map(({ command }) => command)).toEqual(['pack-buckets', 'ingest-bucket', 'index-bucket']);
    expect(pack!.tasks).toEqual({ planned: 0, took: 1 });
    expect(index!.tasks).toEqual({ planned: 2, took: 0 });
  });

  it('compares the time in which a task ran, bytes and dollars', () => {
    expect(ingest!.seconds).toEqual({ planned: 3600, low: 1800, high: 7200, took: 5400 });
    expect(ratioOf(ingest!.seconds)).toBe(1.5);
    expect(ratioOf(ingest!.bytesWritten)).toBe(2);
    expect(ratioOf(ingest!.bytesRead)).toBe(1);
    // Two hours of half a machine at $4, and 150 requests at $0.002.
    expect(ingest!.dollars.took).toBeCloseTo(4.3);
    expect(index!.dollars.took).toBe(0);
    expect(total.seconds).toEqual({ planned: 7200, low: 3600, high: 14400, took: 5436 });
  });

  it('knows no ratio where a figure is unknown or 0', () => {
    // pack-buckets does not say what it read, and has no price.
    expect([pack!.bytesRead.took, pack!.dollars.took, total.bytesRead.took, total.dollars.took]).toEqual([
      ...[undefined, undefined, undefined, undefined],
    ]);
    expect([ratioOf(pack!.tasks), ratioOf(index!.seconds), ratioOf(pack!.dollars)]).toEqual([
      ...[undefined, undefined, undefined],
    ]);
  });
});

describe('planSection', () => {
  it('shows each figure with its interval and its multiple', () => {
    const { markup } = planSection(planOf(4), REPORTS);
    const [, row] = /<tr><td><span>ingest-bucket<\/span><\/td>(.*)<\/tr>/.exec(markup)!;
    const cells = row!
      .split('</td>')
      .map((cell) => cell.replace(/<small>/g, ' | ').replace(/<[^>]*>/g, ''))
      .slice(0, -1);
    expect(cells).toEqual([
      ...['2', '2', '1 h 00 min | 30 min 00 s to 2 h 00 min', '1 h 30 min | 1.5 x'],
      ...['1.0 GB', '1.0 GB | 1.0 x', '2.0 GB', '4.0 GB | 2.0 x', '$4.00 | $2.00 to $8.00', '$4.30 | 1.1 x'],
    ]);
    expect(markup).toContain('i4i.8xlarge at the prices of 2026-11-01');
  });

  it('has no costs without prices, and says so', () => {
    const page = renderBuild(REPORTS, planOf(undefined));
    expect(page).not.toContain('$');
    expect(page).toContain('No price is known for i4i.8xlarge.');
  });
});

describe('renderBuild', () => {
  it('shows warnings and stages, and the plan only where there is one', () => {
    const page = renderBuild(
      [...REPORTS, { command: 'index-bucket', bucket: 'b', warnings: ['odd <rows>'] }],
      undefined,
    );
    expect(page).toContain('<h1>Build of the database</h1>');
    expect(page).toContain('b: odd &lt;rows&gt;.');
    expect(page).toMatch(/ingest-bucket<\/td><td class="number">2</);
    expect(page).toContain('<!-- run -->');
    expect(page).not.toContain('Plan and outcome');
  });
});
