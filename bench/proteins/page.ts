import { markdownTable } from '../support/markdown.ts';
import { tutorialTables } from './distances.ts';
import type { Made, ProteinsResult, Row, TaskResult, UniprotScores } from './result.ts';

/** Returns the tables of each page of docs/, by page and name. */
export function proteinTables(result: ProteinsResult): Record<string, Record<string, string>> {
  const { uniprot, shuffled, pfam, orthologs } = result;
  const kmer = uniprot.rows.find(({ system }) => system === 'LanceFlow kmer')!;
  return {
    'tutorial.md': tutorialTables(uniprot.distances, kmer.scores as Required<UniprotScores>),
    'protein-benchmark.md': {
      uniprot: taskTable(uniprot, {
        'best homolog first': ({ first }) => share(first),
        'among 10': ({ first10 }) => shareIfAny(first10, ''),
        'among 100': ({ first100 }) => shareIfAny(first100, ''),
        'among 300': ({ first300 }) => shareIfAny(first300, ''),
      }),
      bins: binTable(uniprot),
      significance: significanceTable(uniprot, shuffled),
      pfam: taskTable(pfam, { sensitivity: ({ sensitivity }) => share(sensitivity) }),
      families: familyTable(pfam),
      orthologs: taskTable(orthologs, {
        'same EC': ({ sameEc }) => share(sameEc),
        'same gene': ({ sameGene }) => share(sameGene),
      }),
    },
  };
}

function taskTable<S>(task: TaskResult<S> & Made, columns: Record<string, (scores: S) => string>): string {
  const head = ['', ...Object.keys(columns), 'build, CPU-s', 'search, CPU-s', 'build, s', 'search, s'];
  const rows = task.rows.map(({ system, build, search, scores }) => [
    ...[system, ...Object.values(columns).map((format) => format(scores))],
    ...[build.cpuSeconds, search.cpuSeconds, build.seconds, search.seconds].map((value) => value.toFixed(1)),
  ]);
  return `${markdownTable([head, ...rows])}\n\n\`${task.command}\`, ${task.machine}, ${task.date}.`;
}

function binTable({ rows }: ProteinsResult['uniprot']): string {
  const head = ['identity', 'coverage', 'queries', ...rows.map(({ system }) => system)];
  const bins = rows[0]!.scores.bins.map(({ identity, coverage, queries }, i) => [
    ...[range(identity), range(coverage), `${queries}`],
    ...rows.map(({ scores }) => share(scores.bins[i]!.first)),
  ]);
  return markdownTable([head, ...bins]);
}

function significanceTable(uniprot: ProteinsResult['uniprot'], shuffled: ProteinsResult['shuffled']): string {
  const { queriesWithHomolog, queriesWithoutHomolog } = uniprot.sizes;
  const head = [
    'share with a hit of E-value 0.01 or less',
    `${queriesWithHomolog} queries with a homolog`,
    `${queriesWithoutHomolog} without`,
    `${shuffled.queries} shuffled`,
  ];
  const rows = uniprot.rows.map(({ system, scores }) => {
    const other = shuffled.rows.find((row) => row.system === system)?.scores.significant;
    return [
      system,
      ...[scores.significant, scores.significantWithoutHomolog, other].map((value) => shareIfAny(value, 'no E-value')),
    ];
  });
  return markdownTable([head, ...rows]);
}

function familyTable({ rows }: ProteinsResult['pfam']): string {
  const names = Object.keys(rows[0]!.scores.families);
  const cells = (row: Row<{ families: Record<string, number> }>) =>
    names.map((name) => share(row.scores.families[name]!));
  return markdownTable([['', ...names], ...rows.map((row) => [row.system, ...cells(row)])]);
}

const range = ([from, to]: readonly [number, number]) => `${from * 100} to ${to * 100}%`;
const share = (value: number) => value.toFixed(3);
const shareIfAny = (value: number | undefined, otherwise: string) => (value === undefined ? otherwise : share(value));
