/** The outcomes of a run; `wrong` and all after it are findings. */
export const OUTCOMES = [
  'same',
  'explained',
  '64',
  '65',
  '75',
  'wrong',
  'bug',
  'crash',
  'hang',
  'memory',
  'trace',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Verdict {
  outcome: Outcome;
  /** The reason, for findings. */
  reason: string;
}

const BAD: ReadonlySet<Outcome> = new Set(['wrong', 'bug', 'crash', 'hang', 'memory', 'trace']);

export const isBad = ({ outcome }: Verdict): boolean => BAD.has(outcome);

/** Counts of outcomes by format. */
export class Tally {
  readonly #counts = new Map<string, Record<Outcome, number>>();

  add(format: string, { outcome }: Verdict): void {
    const counts = this.#counts.get(format) ?? none();
    counts[outcome]++;
    this.#counts.set(format, counts);
  }

  count(test: (outcome: Outcome) => boolean): number {
    let sum = 0;
    for (const counts of this.#counts.values())
      for (const outcome of OUTCOMES) if (test(outcome)) sum += counts[outcome];
    return sum;
  }

  /** Returns a table in Markdown, a row a format. */
  table(): string {
    const rows = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
    const total = none();
    for (const [, counts] of rows) for (const outcome of OUTCOMES) total[outcome] += counts[outcome];
    const cells = (name: string, counts: Record<Outcome, number>) => [
      name,
      String(Object.values(counts).reduce((sum, count) => sum + count, 0)),
      ...OUTCOMES.map((outcome) => String(counts[outcome])),
    ];
    const lines = [
      ['format', 'runs', ...OUTCOMES.map((outcome) => TITLES[outcome])],
      ['---', ...Array.from({ length: OUTCOMES.length + 1 }, () => '--:')],
      ...rows.map(([name, counts]) => cells(`\`${name}\``, counts)),
      cells('all', total),
    ];
    return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
  }
}

const TITLES: Record<Outcome, string> = {
  same: 'same answer',
  explained: 'another answer, confirmed',
  64: '64',
  65: '65',
  75: '75',
  wrong: 'wrong success',
  bug: 'bug (1)',
  crash: 'crash',
  hang: 'hang',
  memory: 'memory',
  trace: 'leftovers',
};

function none(): Record<Outcome, number> {
  return Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
}
