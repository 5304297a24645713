/**
 * Local alignment on one core: workers/src/align/local/ and parasail (C with AVX2, by its Python package of `npm run setup:python`), the score
 * alone, and with start, end, identities and columns.
 *
 *   npm run bench -- align [--queries 20] [--targets 300] [--rounds 5] [--folder DIR] [--save]
 *
 * The two alternate. Prints one JSON object: giga cell updates per CPU-second, and the ratio of the two in each round.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LocalAligner } from '../workers/src/align/local/local-aligner.ts';
import { encodeResidues, type Residues } from '../workers/src/align/local/residues.ts';
import { capture, PYTHON, ROOT, say, spread, withFolder } from './support/run.ts';
import { makeSequences } from './support/sequences.ts';

const { values } = parseArgs({
  options: {
    queries: { type: 'string', default: '20' },
    targets: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '5' },
    folder: { type: 'string' },
  },
});

/** CPU seconds, and the sum of all scores. */
interface Run {
  cpuSeconds: number;
  total: number;
}
type Runs = Record<'score' | 'align', Run>;

await withFolder(values.folder, async (folder) => {
  const [queryCount, targetCount] = [Number(values.queries), Number(values.targets)];
  const path = await makeSequences(folder, queryCount + targetCount);
  const proteins = (await readFile(path, 'utf8'))
    .split('>')
    .slice(1)
    .map((record) => encodeResidues(Buffer.from(record.slice(record.indexOf('\n')))));
  const [queries, targets] = [proteins.slice(0, queryCount), proteins.slice(queryCount)];
  const residues = (some: readonly Residues[]) => some.reduce((sum, { length }) => sum + length, 0);
  const cells = residues(queries) * residues(targets);
  const rates = { score: [] as number[][], align: [] as number[][] };
  measureOwn(queries.slice(0, 1), targets); // compiles the kernels
  for (let round = 1; round <= Number(values.rounds); round++) {
    say(`round ${round} of ${values.rounds}`);
    const own = measureOwn(queries, targets);
    const script = join(ROOT, 'bench/align/parasail_rate.py');
    const theirs = JSON.parse(await capture(PYTHON, [script, path, values.queries])) as Runs;
    for (const kind of ['score', 'align'] as const) {
      if (own[kind].total !== theirs[kind].total) throw new Error(`The scores differ: ${kind}`);
      rates[kind].push([own, theirs].map((runs) => cells / 1e9 / runs[kind].cpuSeconds));
    }
  }
  const result = Object.fromEntries(
    Object.entries(rates).map(([kind, rounds]) => [
      kind,
      {
        lanceflow: spread(rounds.map(([own]) => own!)),
        parasail: spread(rounds.map(([, theirs]) => theirs!)),
        ratio: spread(rounds.map(([own, theirs]) => own! / theirs!)),
      },
    ]),
  );
  const sizes = { queries: queryCount, targets: targetCount, cells };
  process.stdout.write(`${JSON.stringify({ ...sizes, gigaCellsPerCpuSecond: result }, null, 2)}\n`);
});

function measureOwn(queries: readonly Residues[], targets: readonly Residues[]): Runs {
  const aligner = new LocalAligner();
  const measure = (scoresOf: () => Iterable<number>): Run => {
    const before = process.cpuUsage();
    let total = 0;
    for (const query of queries) {
      aligner.setQuery(query);
      for (const score of scoresOf()) total += score;
    }
    const { user, system } = process.cpuUsage(before);
    return { cpuSeconds: (user + system) / 1e6, total };
  };
  return {
    score: measure(() => aligner.score(targets)),
    align: measure(() => aligner.align(targets).map(({ score }) => score)),
  };
}
