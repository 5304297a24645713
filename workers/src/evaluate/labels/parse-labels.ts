import { DataError } from '../../base/errors.ts';
import { parseCsv, withoutByteOrderMark } from '../../base/text/csv-rows.ts';
import { LABEL_MESSAGES } from './label-messages.ts';

/** Labels of ids, such as the families of proteins. */
export interface Labels {
  /** Labels of each id, each once, in the order of the file. */
  byId: ReadonlyMap<string, readonly string[]>;
  /** Rows without an id or without a label, which are skipped. */
  emptyRows: number;
}

/**
 * Parses a table of labels: comma-separated (RFC 4180), with columns `id` and `label`; others are ignored. An id with several labels has a row
 * for each. Repeated rows count once.
 * @param name of the file, for messages
 * @throws DataError if a column is missing or named twice, or if no row has a label
 */
export function parseLabels(text: string, name: string): Labels {
  const [header = [], ...rows] = parseCsv(withoutByteOrderMark(text));
  const names = header.map((cell) => cell.trim());
  const [idColumn, labelColumn] = ['id', 'label'].map((wanted) => {
    const at = names.indexOf(wanted);
    if (at < 0) throw new DataError(LABEL_MESSAGES.noColumn(name, wanted, names));
    if (names.lastIndexOf(wanted) !== at) throw new DataError(LABEL_MESSAGES.twoColumns(name, wanted));
    return at;
  }) as [number, number];
  const byId = new Map<string, string[]>();
  let emptyRows = 0;
  for (const row of rows) {
    // An empty line is no row.
    if (row.every((cell) => cell === '')) continue;
    const [id = '', label = ''] = [row[idColumn], row[labelColumn]?.trim()];
    if (id === '' || label === '') {
      emptyRows++;
      continue;
    }
    const known = byId.get(id);
    if (!known) byId.set(id, [label]);
    else if (!known.includes(label)) known.push(label);
  }
  if (byId.size === 0) throw new DataError(LABEL_MESSAGES.noLabels(name));
  return { byId, emptyRows };
}
