const GAP = '  ';
/** Columns of a table are not shortened below this number of characters. */
const LEAST_WIDTH = 8;

/**
 * Aligns rows of text in columns; the first row is the header.
 * @param columns of the terminal, to which the longest cells are shortened. Default: unlimited
 */
export function formatTable(rows: ReadonlyArray<readonly string[]>, columns = Number.POSITIVE_INFINITY): string {
  const longest = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const widths = fitWidths(longest, columns - GAP.length * (longest.length - 1));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => shorten(cell, widths[column]!).padEnd(widths[column]!))
      .join(GAP)
      .trimEnd(),
  );
  return [lines[0], widths.map((width) => '-'.repeat(width)).join(GAP), ...lines.slice(1)].join('\n');
}

/** Shortens a text to a number of characters; the last one is then an ellipsis. */
export function shorten(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, Math.max(0, length - 1)).join('')}…`;
}

/** Shrinks the widest columns until their sum fits; none below `LEAST_WIDTH`. */
export function fitWidths(longest: readonly number[], available: number): number[] {
  const widths = [...longest];
  let excess = widths.reduce((sum, width) => sum + width, 0) - available;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= LEAST_WIDTH) break;
    widths[widest]!--;
    excess--;
  }
  return widths;
}
