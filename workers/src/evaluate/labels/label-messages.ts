import { counted } from '../../base/text/counted.ts';
import { quoteValue } from '../../base/text/quote.ts';

/** A message names at most this many ids. */
export const MAX_NAMED = 5;

const namesOf = (ids: readonly string[], all: number) =>
  `${ids.map(quoteValue).join(', ')}${all > ids.length ? ', ...' : ''}`;

// Errors and warnings about labels, for users.

export const LABEL_MESSAGES = {
  noColumn: (path: string, column: string, found: readonly string[]) =>
    `${path}: the first line must name a column ${JSON.stringify(column)}; it has ${found.map(quoteValue).join(', ')}. ` +
    'Write comma-separated columns id and label.',
  twoColumns: (path: string, column: string) =>
    `${path}: the first line names two columns ${JSON.stringify(column)}. Rename one of them.`,
  noLabels: (path: string) => `${path}: no row has an id and a label. Write comma-separated columns id and label.`,
  emptyRows: (path: string, rows: number) =>
    `${path}: ${counted(rows, 'row')} without an id or a label ${rows === 1 ? 'is' : 'are'} skipped.`,
  noneFound: (path: string, uri: string, ids: readonly string[], all: number) =>
    `${path}: none of its ${counted(all, 'id')} is in the database ${uri}: ${namesOf(ids, all)}. Use the ids of the database.`,
  someMissing: (path: string, uri: string, ids: readonly string[], missing: number, all: number) =>
    `${path}: ${missing} of ${counted(all, 'id')} ${missing === 1 ? 'is' : 'are'} not in the database ${uri} and not counted: ${namesOf(ids, missing)}.`,
  noFamilies: (path: string, uri: string) =>
    `${path}: no label has two ids in the database ${uri}, so there is no family whose members could find each other. Add rows to the table, or use broader labels.`,
  notWithLabels: (option: string) =>
    `--${option} is not for --labels, whose queries are the labelled rows of the database.`,
} as const;
