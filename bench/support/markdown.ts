/** Formats rows of cells as a table, of which the first is the head. */
export function markdownTable([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head!), line(head!.map(() => '---')), ...rows.map(line)].join('\n');
}

/**
 * Replaces the text between `<!-- KIND: name -->` and `<!-- end -->` for each table.
 * @param tables by name
 */
export function insertTables(page: string, kind: string, tables: Readonly<Record<string, string>>): string {
  let text = page;
  for (const [name, table] of Object.entries(tables)) {
    const pattern = new RegExp(`(<!-- ${kind}: ${name} -->)[\\s\\S]*?(<!-- end -->)`);
    if (!pattern.test(text)) throw new Error(`The page has no marker <!-- ${kind}: ${name} -->.`);
    text = text.replace(pattern, (_, before: string, after: string) => `${before}\n\n${table}\n\n${after}`);
  }
  return text;
}

/** Formats a number with three significant digits. */
export function digits(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) < 0.001) return value.toExponential(1);
  return value >= 1000 ? Math.round(value).toLocaleString('en') : `${Number(value.toPrecision(3))}`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
