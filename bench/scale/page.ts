import { digits, markdownTable, percent } from '../support/markdown.ts';
import { bucketsTable, derivedTable, phasesTable } from './build-tables.ts';
import { campaignTable } from './campaign-table.ts';
import type { ScaleInputs, ScaleResult } from './inputs.ts';
import { ALL_ROWS, BUCKET_ROWS, vectorBytes } from './large-bucket.ts';
import { cpuSecondsOf, growthOf, partitioningCpuSeconds } from './model.ts';
import { unitsTable } from './units-table.ts';

/** Returns the tables of docs/scale.md by name. */
export function scaleTables(inputs: ScaleInputs): Record<string, string> {
  return {
    measured: measuredTable(inputs.scale),
    assignment: assignmentTable(inputs.scale),
    growth: growthTable(inputs.scale),
    units: unitsTable(inputs),
    phases: phasesTable(inputs),
    derived: derivedTable(inputs),
    buckets: bucketsTable(inputs),
    campaign: campaignTable(inputs),
    sizes: sizesTable(inputs.scale),
  };
}

function measuredTable({ steps, command, machine, date }: ScaleResult): string {
  const sizes = steps.ingest!.map(({ rows }) => rows);
  const rows = Object.entries(steps).map(([step, points]) => [
    `\`${step}\``,
    ...sizes.map((size) => {
      const point = points.find(({ rows: measured }) => measured === size);
      return point ? `${digits(point.cpuSeconds)} (${digits(point.seconds)})` : '';
    }),
  ]);
  const head = ['step', ...sizes.map((n) => `${n.toLocaleString('en')} vectors`)];
  return `${markdownTable([head, ...rows])}\n\nCPU-seconds, and seconds in brackets: \`${command}\`, ${machine}, ${date}.`;
}

function assignmentTable({ assignment, assignmentRun }: ScaleResult): string {
  const share = (recall?: number) => recall?.toFixed(4) ?? '';
  const rows = assignment.map(({ kind, partitions, plan, cpuSeconds, cpuSecondsOfAll, agreement, ...recalls }) => [
    kind,
    partitions.toLocaleString('en'),
    plan,
    digits(cpuSeconds * 1e6),
    digits(cpuSecondsOfAll * 1e6),
    `${(agreement * 100).toFixed(1)}%`,
    share(recalls.recall),
    share(recalls.recallOfAll),
  ]);
  const costs = ['microseconds a row', 'with all centroids'];
  const head = [
    'vectors',
    'partitions',
    'compared with',
    ...costs,
    'same partition',
    'recall@10',
    'with all centroids',
  ];
  const run = assignmentRun === undefined ? '' : `\n\n\`node bench/scale.ts --assignment\`, ${assignmentRun}.`;
  return `${markdownTable([head, ...rows])}${run}`;
}

function growthTable(result: ScaleResult): string {
  const rows = Object.keys(result.steps).map((step) => {
    const growth = growthOf(result, step);
    const share = partitioningCpuSeconds(growth, BUCKET_ROWS) / cpuSecondsOf(growth, BUCKET_ROWS);
    const { fixed, perRow, perRowRoot, assign } = growth;
    const terms = [fixed, perRow * 1e6, perRowRoot * 1e9, (assign(BUCKET_ROWS) / BUCKET_ROWS) * 1e6].map(digits);
    return [`\`${step}\``, ...terms, percent(share)];
  });
  return markdownTable([
    [
      'step',
      'fixed, s',
      'N, s a million',
      'N^1.5, s at a million',
      'assignment at 200 million, s a million',
      'share of the last two at 200 million',
    ],
    ...rows,
  ]);
}

function sizesTable({ bytesPerVector, dimension }: ScaleResult): string {
  const rows = Object.entries(bytesPerVector).map(([kind, bytes]) => {
    const vectors = vectorBytes(kind, dimension);
    return [kind, `${vectors}`, digits(bytes - vectors), digits(bytes), `${digits((bytes * ALL_ROWS) / 1e12)} TB`];
  });
  return markdownTable([['table', 'bytes of a vector', 'index, id, order', 'together', '3.5 billion'], ...rows]);
}
