import { growthOf } from '../../workers/src/forecast/model/growth.ts';
import { unitCpuSeconds, unitTerms } from '../../workers/src/forecast/model/unit-terms.ts';
import { digits, markdownTable } from '../support/markdown.ts';
import { bucketsTable, derivedTable, phasesTable } from './build-tables.ts';
import { campaignTable } from './campaign-table.ts';
import type { ScaleInputs, ScaleResult } from './inputs.ts';
import { ALL_ROWS, BUCKET_ROWS, BUILDS, vectorBytes } from './large-bucket.ts';
import { unitsTable } from './units-table.ts';

/** Returns the tables of docs/scale.md by name. */
export function scaleTables(inputs: ScaleInputs): Record<string, string> {
  return {
    measured: measuredTable(inputs.scale),
    assignment: assignmentTable(inputs.scale),
    growth: growthTable(inputs),
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

function assignmentTable({ assignment }: ScaleResult): string {
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
  return (
    `${markdownTable([head, ...rows])}\n\n` +
    '- Compared with: all centroids, those of the nearest groups, or by short codes (the number is that of their components)\n' +
    '  ([ADR 30](adr/0030-rows-are-compared-with-nearest-groups.md)).\n' +
    '- Same partition: the share of rows that get the partition that comparing with all centroids gives. Short codes place many rows\n' +
    '  without clusters elsewhere, where searches find them as often.\n' +
    '- Recall@10: of searches among 8,192 other rows, the mean over 0.5%, 1%, 2%, 5% and 10% of the partitions; then the same where\n' +
    '  rows are compared with all.'
  );
}

/** The terms of each step, and the share of each in the CPU time of 200 million rows. */
function growthTable({ scale }: ScaleInputs): string {
  const terms = unitTerms(scale.units);
  const rows = Object.keys(scale.steps).map((step) => {
    const { fixed, perRow, perRowRoot, assign } = growthOf(scale, step);
    const stage = BUILDS.some(({ steps }) => steps.ingest === step) ? 'ingest' : 'index';
    const assigned = assign(BUCKET_ROWS);
    const units = unitCpuSeconds(terms, stage, BUCKET_ROWS, BUCKET_ROWS);
    const seconds = {
      rows: perRow * BUCKET_ROWS,
      'N^1.5': perRowRoot * BUCKET_ROWS ** 1.5,
      assignment: assigned,
      units,
    };
    const total = fixed + Object.values(seconds).reduce((sum, one) => sum + one, 0);
    const shares = Object.entries(seconds)
      .filter(([, one]) => one > 0)
      .map(([term, one]) => `${term} ${tenths(one / total)}`);
    const cells = [fixed, perRow * 1e6, perRowRoot * 1e9, (assigned / BUCKET_ROWS) * 1e6].map(digits);
    return [`\`${step}\``, ...cells, shares.join(', ')];
  });
  return markdownTable([
    [
      'step',
      'fixed, s',
      'N, s a million',
      'N^1.5, s at a million',
      'assignment at 200 million, s a million',
      'shares at 200 million',
    ],
    ...rows,
  ]);
}

function tenths(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

function sizesTable({ bytesPerVector, dimension }: ScaleResult): string {
  const rows = Object.entries(bytesPerVector).map(([kind, bytes]) => {
    const vectors = vectorBytes(kind, dimension);
    return [kind, `${vectors}`, digits(bytes - vectors), digits(bytes), `${digits((bytes * ALL_ROWS) / 1e12)} TB`];
  });
  return markdownTable([['table', 'bytes of a vector', 'index, id, order', 'together', '3.5 billion'], ...rows]);
}
