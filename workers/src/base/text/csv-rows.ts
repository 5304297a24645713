const BYTE_ORDER_MARK = '\uFEFF';

/** Returns a text without its byte order mark. */
export function withoutByteOrderMark(text: string): string {
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

/** Parses comma-separated text (RFC 4180). Cells are trimmed; quoted ones may contain commas, doubled quotes, line breaks and outer spaces. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (let at = 0; at < text.length; ) {
    const quote = closingQuote(text, at);
    const end = quote < 0 ? endOfPlain(text, at) : quote + 1;
    const cell = quote < 0 ? text.slice(at, end).trim() : text.slice(at + 1, quote).replaceAll('""', '"');
    rows.at(-1)!.push(cell);
    if (end < text.length && text[end] !== ',') rows.push([]);
    at = text.startsWith('\r\n', end) ? end + 2 : end + 1;
  }
  return rows;
}

/** Finds the quote that ends the cell at `at`; -1 if the cell is not quoted. */
function closingQuote(text: string, at: number): number {
  if (text[at] !== '"') return -1;
  let quote = text.indexOf('"', at + 1);
  while (quote >= 0 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2);
  return quote >= 0 && /^[,\r\n]?$/.test(text.slice(quote + 1, quote + 2)) ? quote : -1;
}

function endOfPlain(text: string, at: number): number {
  let end = at;
  while (end < text.length && !',\r\n'.includes(text[end]!)) end++;
  return end;
}
