const MATCH = 5;
const MISMATCH = -1;
const GAP_OPEN = 11;
const GAP_EXTEND = 1;

/**
 * Computes the identity of two sequences in their best alignment (Gotoh, affine gaps, free ends): identical over aligned pairs.
 * Each cell holds its score, and the identical and aligned pairs of the best path to it.
 */
export function alignedIdentity(one: string, other: string): number {
  const width = other.length + 1;
  let above = row(width);
  let best = { score: Number.NEGATIVE_INFINITY, same: 0, pairs: 1 };
  const consider = (cells: Row, at: number) => {
    if (cells.score[at]! > best.score)
      best = { score: cells.score[at]!, same: cells.same[at]!, pairs: cells.pairs[at]! };
  };
  for (let i = 1; i <= one.length; i++) {
    const here = row(width);
    let left = { score: Number.NEGATIVE_INFINITY, same: 0, pairs: 0 };
    for (let j = 1; j < width; j++) {
      const isSame = one[i - 1] === other[j - 1] ? 1 : 0;
      // A gap in either sequence: opened here, or extended by one.
      const fromUp = above.score[j]! - GAP_OPEN;
      const up = above.gapScore[j]! - GAP_EXTEND;
      copy(above, j, fromUp >= up ? 'cell' : 'gap', Math.max(fromUp, up), here);
      const fromLeft = here.score[j - 1]! - GAP_OPEN;
      if (fromLeft >= left.score - GAP_EXTEND)
        left = { score: fromLeft, same: here.same[j - 1]!, pairs: here.pairs[j - 1]! };
      else left = { ...left, score: left.score - GAP_EXTEND };
      const diagonal = above.score[j - 1]! + (isSame ? MATCH : MISMATCH);
      if (diagonal >= here.gapScore[j]! && diagonal >= left.score)
        set(here, j, diagonal, above.same[j - 1]! + isSame, above.pairs[j - 1]! + 1);
      else if (here.gapScore[j]! >= left.score) set(here, j, here.gapScore[j]!, here.gapSame[j]!, here.gapPairs[j]!);
      else set(here, j, left.score, left.same, left.pairs);
    }
    consider(here, width - 1);
    above = here;
  }
  for (let j = 1; j < width; j++) consider(above, j);
  return best.same / best.pairs;
}

interface Row {
  score: Float64Array;
  same: Float64Array;
  pairs: Float64Array;
  gapScore: Float64Array;
  gapSame: Float64Array;
  gapPairs: Float64Array;
}

function row(width: number): Row {
  const zeros = () => new Float64Array(width);
  return {
    score: zeros(),
    same: zeros(),
    pairs: zeros(),
    gapScore: zeros().fill(Number.NEGATIVE_INFINITY),
    gapSame: zeros(),
    gapPairs: zeros(),
  };
}

function set(cells: Row, at: number, score: number, same: number, pairs: number): void {
  cells.score[at] = score;
  cells.same[at] = same;
  cells.pairs[at] = pairs;
}

function copy(from: Row, at: number, kind: 'cell' | 'gap', score: number, to: Row): void {
  to.gapScore[at] = score;
  to.gapSame[at] = kind === 'cell' ? from.same[at]! : from.gapSame[at]!;
  to.gapPairs[at] = kind === 'cell' ? from.pairs[at]! : from.gapPairs[at]!;
}
