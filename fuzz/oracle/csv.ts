/** Reads the non-empty cells of a column of comma-separated text, letter by letter, by RFC 4180. */
export function csvColumn(bytes: Buffer, name: string): string[] {
  const text = decode(bytes);
  const rows: string[][] = [];
  let [cells, cell, wasQuoted]: [string[], string, boolean] = [[], '', false];
  const endCell = () => {
    cells.push(wasQuoted ? cell : cell.trim());
    [cell, wasQuoted] = ['', false];
  };
  const body = `${text.replace(/^\ufeff/, '').replaceAll(/\r\n?/g, '\n')}\n`;
  for (let i = 0; i < body.length; i++) {
    const letter = body[i]!;
    if (letter === '"' && cell === '' && !wasQuoted) {
      wasQuoted = true;
      for (i++; i < body.length && !(body[i] === '"' && body[i + 1] !== '"'); i++) {
        if (body[i] === '"') i++;
        cell += body[i];
      }
    } else if (letter === ',') endCell();
    else if (letter === '\n') {
      endCell();
      rows.push(cells);
      cells = [];
    } else if (!wasQuoted || letter.trim() !== '') cell += letter; // Blanks after a quote are ignored.
  }
  const column = rows[0]?.findIndex((title) => title.trim() === name) ?? -1;
  return rows.slice(1).flatMap((row) => row[column] || []);
}

/** Decodes UTF-8, or UTF-16 with a byte order mark, as spreadsheets write it. */
function decode(bytes: Buffer): string {
  if (bytes.length % 2 === 0 && bytes[0] === 0xfe && bytes[1] === 0xff)
    return Buffer.from(bytes).swap16().toString('utf16le');
  return bytes.toString(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf16le' : 'utf8');
}
