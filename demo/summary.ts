import type { BandScore, Membership } from './score.ts';
import type { StageTime } from './trace.ts';

export interface Neighbour {
  target: string;
  distance: number;
}

/** Formats a text table: the first column left-aligned, the others right-aligned. */
export function table(head: readonly string[], rows: readonly string[][]): string {
  const all = [[...head], ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('   ');
  return all.map((row) => `  ${line(row)}`).join('\n');
}

/** Formats the neighbours of one query, with their families. */
export function showNeighbours(
  query: string,
  neighbours: readonly Neighbour[],
  memberships: ReadonlyMap<string, Membership>,
): string {
  const { family, identity, fragment } = memberships.get(query)!;
  const rows = neighbours.map(({ target, distance }, rank) => {
    const about = memberships.get(target)!;
    const note = about.family === family ? 'yes' : `no, ${about.family}`;
    const kept = `${percent(about.identity)}${about.fragment ? ' (fragment)' : ''}`;
    return [`${String(rank + 1).padStart(2)}. ${target}`, distance.toFixed(3), note, kept];
  });
  return (
    `First neighbours of ${query} (${fragment ? 'fragment, ' : ''}family ${family}, ${percent(identity)} identical to its founder)\n` +
    table(['neighbour', 'distance', 'same family', 'identical to founder'], rows)
  );
}

export function showBands(bands: readonly BandScore[], k: number): string {
  const rows = bands.map(({ low, high, queries, first, all }) => [
    `${percent(low)} to ${percent(high)}`,
    String(queries),
    percent(first),
    percent(all),
  ]);
  return (
    "Neighbours of the query's own family, by the identity of the query to the founder\n" +
    table(['identity', 'queries', 'first neighbour', `first ${k}`], rows)
  );
}

export function showTimes(stages: readonly StageTime[], totalSeconds: number): string {
  const rows = stages.map(({ process, tasks, cached, seconds }) => [
    process,
    String(tasks),
    String(cached),
    seconds.toFixed(1),
  ]);
  const total = `the whole run took ${totalSeconds.toFixed(0)} s, Nextflow's start included`;
  return `Time: ${total}\n${table(['stage', 'tasks', 'from cache', 'seconds'], rows)}`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}
