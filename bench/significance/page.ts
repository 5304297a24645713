import { markdownTable } from '../support/markdown.ts';
import { type SignificanceResult, STRANGERS, type StrangerSet } from './result.ts';

/** Returns the tables of docs/output.md. */
export function significanceTables(result: SignificanceResult): Record<string, string> {
  const models = Object.entries(result);
  const first = models[0]![1];
  const rows = Object.entries(STRANGERS).map(([set, what]) => [
    `${first.strangers[set as StrangerSet].queries.toLocaleString('en')} ${what}`,
    ...models.map(([, { strangers }]) => percent(strangers[set as StrangerSet].share)),
  ]);
  const found = [
    `${first.homologs.queries} proteins, their homologs (MMseqs2, E-value below 0.001)`,
    ...models.map(([, { homologs }]) => percent(homologs.share)),
  ];
  const table = markdownTable([['queries', ...models.map(([name]) => `\`${name}\``)], ...rows, found]);
  const made = models.map(([, { command, machine, date }]) => `\`${command}\`, ${machine}, ${date}.`);
  return { honesty: `${table}\n\n${[...new Set(made)].join('\n')}` };
}

const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
