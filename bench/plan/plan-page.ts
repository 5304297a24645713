import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digits, insertTables, markdownTable } from '../support/markdown.ts';
import { ROOT } from '../support/run.ts';
import type { Comparison, RunComparison } from './compare.ts';

/** bench/results/plan.json */
export interface PlanResult {
  command: string;
  machine: string;
  date: string;
  runs: RunComparison[];
}

const PAGE = join(ROOT, 'docs/planning.md');

/** Rewrites the table of docs/planning.md. */
export async function writePage(): Promise<void> {
  await writeFile(PAGE, insertTables(await readFile(PAGE, 'utf8'), 'plan', await planTables()));
}

/** Returns the tables of docs/planning.md by name. */
export async function planTables(): Promise<Record<string, string>> {
  const result: PlanResult = JSON.parse(await readFile(join(ROOT, 'bench/results/plan.json'), 'utf8'));
  const rows = result.runs.flatMap(({ describe, stages, total }) => [
    cells(`**${describe}**`, total),
    ...stages.map((stage) => cells(`\`${stage.command}\``, stage)),
  ]);
  const head = ['run and stage', 'planned, s', 'took, s', 'ratio', 'planned, MB', 'wrote, MB', 'ratio'];
  return { outcomes: `${markdownTable([head, ...rows])}\n\n\`${result.command}\`, ${result.machine}, ${result.date}.` };
}

function cells(name: string, { seconds, bytes }: Comparison): string[] {
  const megabytes = (value: number) => digits(value / 1e6);
  return [
    ...[name, digits(seconds.planned), digits(seconds.took), seconds.ratio.toFixed(2)],
    ...[megabytes(bytes.planned), megabytes(bytes.took), bytes.ratio.toFixed(2)],
  ];
}
