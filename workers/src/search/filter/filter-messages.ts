import { UsageError } from '../../base/errors.ts';
import { quotedName } from './filter-expression.ts';

const MOST = 200;

/**
 * Returns the error for an expression of --where that LanceDB's engine refuses.
 * @param reason of the engine @param columns names of all columns
 */
export function badFilter(expression: string, reason: string, columns: readonly string[]): UsageError {
  const names = columns.map(quotedName);
  const quotes = names.some((name) => name.startsWith('`')) ? ', with these backticks' : '';
  return new UsageError(
    `--where ${shortened(expression)}: ${shortened(reason)}. Write a condition in SQL on the columns ${names.join(', ')}${quotes}, ` +
      "with texts in single quotes: length >= 300 AND taxon = 'Bacteria'.",
  );
}

/** Where the columns cannot be read as the catalog describes them. */
export function filterNeedsFragments(bucket: string): UsageError {
  return new UsageError(
    `--where: another client has compacted ${bucket}, so its rows cannot be selected. Run lanceflow adopt first.`,
  );
}

/** @param message of LanceDB @returns its reason; undefined for an error of another kind */
export function reasonOf(message: string): string | undefined {
  // Texts that are no numbers, or a division by zero, are found only in the rows.
  const inRows = /Error applying filter expression to batch: Arrow error: (.*)/s.exec(message)?.[1];
  if (inRows !== undefined) return tidied(inRows);
  const said = message.replace(/^.*GenericFailure, /s, '');
  if (!/^(Invalid|Schema error|Expression |Error (parsing|resolving|optimizing)|The filter )/.test(said))
    return undefined;
  const reason = said
    .replace(/^(Invalid (user )?input, )+/, '')
    .replace(/Error parsing statement: .*\((sql parser error: .*)\)$/s, '$1')
    .replace(/Valid fields are .*$/s, '');
  return tidied(reason);
}

/** Removes places in LanceDB's sources, and line breaks. */
function tidied(reason: string): string {
  const alone = reason.replace(/, \/[^\s,]*\.rs:\d+(:\d+)?.*$/s, '');
  return alone.replaceAll(/\s+/g, ' ').replace(/[\s.]+$/, '');
}

function shortened(text: string): string {
  return text.length > MOST ? `${text.slice(0, MOST)}...` : text;
}
