import { spread } from '../support/run.ts';
import type { Measured } from './systems.ts';

/** The measurements of one system at one setting, over all rounds. */
export interface Line {
  system: string;
  queries: number;
  k: number;
  nprobes: number;
  recall: number;
  queriesPerSecond: { min: number; median: number; max: number };
  /** LanceFlow: rate over the whole process, start included. */
  processQueriesPerSecond?: { min: number; median: number; max: number };
  peakMemoryBytes: number;
  /** Where all rows are compared: floating-point operations a second, as a share of numpy's in a large product. */
  gemmShare?: number;
  /** `auto`: the strategy it chose, its estimate, its total time, and that as a multiple of the quickest strategy at this setting. */
  mode?: string;
  expectedSeconds?: number;
  seconds?: number;
  timesTheBest?: number;
}

/** The searched data. Measurements on different data are never joined. */
export interface Shape {
  rows: number;
  dimension: number;
  index: string;
}

export interface SearchResult extends Shape {
  gemmFlopsPerSecond: { min: number; median: number; max: number };
  lines: Line[];
}

/** Saved results also have the commands and the machine. */
export type Saved = SearchResult & { commands: string[]; machine: string; node: string; date: string };

const keyOf = ({ system, queries, k, nprobes }: Line | Measured) => JSON.stringify([system, queries, k, nprobes]);

export function summarize(shape: Shape, rows: readonly Measured[], gemm: readonly number[]): SearchResult {
  const gemmFlopsPerSecond = spread(gemm);
  const lines = [...Map.groupBy(rows, keyOf).values()].map((group): Line => {
    const { system, queries, k, nprobes, mode, expectedSeconds } = group[0]!;
    const own = group.map((row) => row.processQueriesPerSecond).filter((value) => value !== undefined);
    const queriesPerSecond = spread(group.map((row) => row.queriesPerSecond));
    const flops = 2 * shape.rows * shape.dimension * queriesPerSecond.median;
    return {
      ...{ system, queries, k, nprobes, recall: spread(group.map((row) => row.recall)).median, queriesPerSecond },
      ...(own.length > 0 && { processQueriesPerSecond: spread(own) }),
      peakMemoryBytes: Math.max(...group.map((row) => row.peakMemoryBytes)),
      ...(nprobes === 0 && { gemmShare: flops / gemmFlopsPerSecond.median }),
      ...(mode && { mode, seconds: queries / queriesPerSecond.median }),
      ...(expectedSeconds !== undefined && { expectedSeconds }),
    };
  });
  return { ...shape, gemmFlopsPerSecond, lines: compareAuto(lines) };
}

/** Compares `auto` with the quickest of the three strategies, where all of them were measured. */
function compareAuto(lines: readonly Line[]): Line[] {
  return lines.map((line) => {
    if (line.system !== 'LanceFlow auto') return line;
    const rates = ['exact', 'scan', 'ann'].map((strategy) => {
      const nprobes = strategy === 'exact' ? 0 : line.nprobes;
      const same = lines.find((other) => keyOf(other) === keyOf({ ...line, system: `LanceFlow ${strategy}`, nprobes }));
      return same?.queriesPerSecond.median;
    });
    const known = rates.filter((rate) => rate !== undefined);
    const { timesTheBest: _, ...rest } = line;
    return known.length < 3 ? rest : { ...rest, timesTheBest: Math.max(...known) / line.queriesPerSecond.median };
  });
}

/** Adds a piece to the saved results of the same data and machine; a repeated measurement replaces the old one. */
export function joinPieces(old: Saved | undefined, piece: Saved): Saved {
  const same = (name: 'rows' | 'dimension' | 'index' | 'machine') => old?.[name] === piece[name];
  if (!old || !(same('rows') && same('dimension') && same('index') && same('machine'))) return piece;
  const lines = new Map([...old.lines, ...piece.lines].map((line) => [keyOf(line), line]));
  const order = [...lines.values()].sort(
    (a, b) =>
      a.k - b.k ||
      a.queries - b.queries ||
      (a.system < b.system ? -1 : a.system > b.system ? 1 : a.nprobes - b.nprobes),
  );
  return { ...piece, commands: [...new Set([...old.commands, ...piece.commands])], lines: compareAuto(order) };
}
