/** Shortest name of which a typed beginning is a hint: `-k` is no beginning of a command. */
const SHORTEST_BEGINNING = 3;

/**
 * Finds the known name that a misspelt one probably meant: it differs in few letters, or one is the beginning of the other. Case, hyphens
 * and underscores do not count. `lib/Parameters.groovy` does the same for the pipeline's parameters.
 */
export function findNearestName(typed: string, known: readonly string[]): string | undefined {
  const name = plain(typed);
  const distances = known.map((candidate) => editDistance(name, plain(candidate)));
  const least = Math.min(...distances);
  if (least <= limitOf(name)) return known[distances.indexOf(least)];
  if (name.length < SHORTEST_BEGINNING) return undefined;
  return known.find((candidate) => plain(candidate).startsWith(name));
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

/** Returns the number of letters in which a name may differ: a third of them. */
function limitOf({ length }: string): number {
  return length < 4 ? 1 : Math.max(2, Math.floor(length / 3));
}

/** Computes the optimal string alignment distance: insertions, deletions, substitutions, and swaps of neighbouring letters. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(row[j - 1]! + 1, last[j]! + 1, substituted, isSwapped ? beforeLast[j - 2]! + 1 : substituted);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
