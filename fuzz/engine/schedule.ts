/** A run of a format. */
export interface Turn {
  format: string;
  run: number;
}

/**
 * Divides runs among formats by their weights, at least one for each; mixed, so that a shortened campaign covers all
 * formats.
 */
export function schedule(formats: ReadonlyArray<{ name: string; weight: number }>, runs: number): Turn[] {
  const total = formats.reduce((sum, { weight }) => sum + weight, 0);
  const placed = formats.flatMap(({ name: format, weight }) => {
    const count = Math.ceil((runs * weight) / total);
    return Array.from({ length: count }, (_, run) => ({ at: (run + 0.5) / count, turn: { format, run } }));
  });
  return placed.sort((a, b) => a.at - b.at).map(({ turn }) => turn);
}
