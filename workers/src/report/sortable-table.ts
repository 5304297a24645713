import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';
import { table } from './page-parts.ts';
import { SENTENCES } from './report-text.ts';

/** Builds a table that the page's script sorts and searches. Without scripts it is a table like the others. */
export function sortableTable(head: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="sortable"><input class="search" type="search" hidden placeholder="${SENTENCES.search}" aria-label="${SENTENCES.search}">
${table(head, rows)}</div>`;
}

// Cells are compared as shown: numbers as numbers, everything else as text.
const SOURCE = `
for (const box of document.querySelectorAll('.sortable')) {
  const input = box.querySelector('input');
  const body = box.querySelector('tbody');
  const rows = [...body.rows];
  const heads = [...box.querySelectorAll('th')];
  input.hidden = false;
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.append(...head.childNodes);
    head.append(button);
    const valueOf = (row) => row.cells[column].textContent;
    const isNumber = head.classList.contains('number');
    const number = (row) => Number(valueOf(row).replaceAll(',', ''));
    const compare = (a, b) => (isNumber ? number(a) - number(b) : valueOf(a) < valueOf(b) ? -1 : valueOf(a) > valueOf(b) ? 1 : 0);
    button.addEventListener('click', () => {
      const isAscending = head.ariaSort !== 'ascending';
      for (const other of heads) other.ariaSort = null;
      head.ariaSort = isAscending ? 'ascending' : 'descending';
      rows.sort((a, b) => (isAscending ? compare(a, b) : compare(b, a)));
      body.append(...rows);
    });
  });
}
`;

export const SCRIPT = new Html(SOURCE);
/** The only script that the page's policy lets a browser run. */
export const SCRIPT_HASH = `sha256-${createHash('sha256').update(SOURCE).digest('base64')}`;
