/**
 * Scores that random sequences of unusual composition reach by chance, which the E-values of alignments allow for
 * (workers/src/align/local/statistics.ts).
 *
 *   npm run bench -- composition [--each 24] [--length 1200] [--mmseqs2 DIR] [--save]
 *
 * Windows of real proteins (Debian's mmseqs2-examples) are paired with others and with themselves, some of each `relativeLambda`. Of each
 * pair, random sequences of the two compositions are aligned, and lambda and K of Gumbel's distribution are fitted to their scores by maximum
 * likelihood. Prints one JSON object with the medians around each relative lambda.
 */
import { parseArgs } from 'node:util';
import { compositionOf, relativeLambda } from '../workers/src/align/local/composition.ts';
import { LocalAligner } from '../workers/src/align/local/local-aligner.ts';
import { encodeResidues, type Residues } from '../workers/src/align/local/residues.ts';
import { MEASURED } from '../workers/src/align/local/statistics.ts';
import { seededRandom } from '../workers/src/base/random.ts';
import { drawResidues, fitScores } from './align/random-scores.ts';
import { DEBIAN, Sources } from './proteins/sources.ts';
import { say, spread } from './support/run.ts';

const { values } = parseArgs({
  options: {
    each: { type: 'string', default: '24' },
    length: { type: 'string', default: '1200' },
    mmseqs2: { type: 'string', default: DEBIAN.mmseqs2 },
  },
});

/** Residues of a window. */
const WINDOW = 200;
const MOST_PAIRS = 2_000_000;
/** Pairs count for a relative lambda that is at most so much more or less than theirs. */
const NEAR = 0.02;
const [QUERIES, TARGETS] = [40, 64];

const random = seededRandom(1);
const sources = await Sources.open({ ...DEBIAN, ...values });
const proteins = (await sources.read('mmseqs2', 'DB.fasta.gz')).filter(({ sequence }) => sequence.length >= WINDOW);
const windows = proteins.map(({ sequence }) => {
  const start = Math.floor(random() * (sequence.length - WINDOW + 1));
  return compositionOf(encodeResidues(Buffer.from(sequence.slice(start, start + WINDOW))));
});
const pick = () => windows[Math.floor(random() * windows.length)]!;

const aligner = new LocalAligner();
const each = Number(values.each);
const limits = MEASURED.map(([relative]) => relative);
const found = limits.map(() => [] as { lambda: number; k: number }[]);
let pairs = 0;
for (; pairs < MOST_PAIRS && found.some((fits, i) => fits.length < each && limits[i]! > 0); pairs++) {
  // Windows that are like each other are rare.
  const query = pick();
  const target = pairs % 2 === 0 ? pick() : query;
  const relative = relativeLambda(query, target);
  const at = limits.findIndex((limit) => Math.abs(limit - relative) <= NEAR);
  if (at < 0 || found[at]!.length >= each) continue;
  found[at]!.push(measure(query, target));
}
say(`${pairs} pairs of windows`);
const medianOf = (numbers: number[]) => (numbers.length === 0 ? undefined : spread(numbers).median);
const relatives = found.map((fits, i) => ({
  relative: limits[i],
  pairs: fits.length,
  lambda: medianOf(fits.map(({ lambda }) => lambda)),
  k: medianOf(fits.map(({ k }) => k)),
}));
process.stdout.write(`${JSON.stringify({ length: Number(values.length), relatives }, null, 2)}\n`);

function measure(query: Float64Array, target: Float64Array) {
  const length = Number(values.length);
  const draw = (composition: Float64Array): Residues => drawResidues(composition, length, random);
  const targets = Array.from({ length: TARGETS }, () => draw(target));
  const scores = Array.from({ length: QUERIES }, () => {
    aligner.setQuery(draw(query));
    return [...aligner.score(targets)];
  });
  return fitScores(scores.flat(), length * length);
}
