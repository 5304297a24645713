import type { Column, ColumnType } from '../../base/columns/column-type.ts';

/** SQL names of the types of columns. */
const SQL_TYPES: Record<ColumnType, string> = { utf8: 'STRING', int64: 'BIGINT', float64: 'DOUBLE' };

/** Texts in single quotes, comments, quoted names, and names that are no function's: whatever is none of these stays as it is. */
const TOKEN = /'(?:[^']|'')*'?|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|`[^`]*`?|"[^"]*"?|[A-Za-z_][A-Za-z0-9_]*\b(?!\s*\()/g;

/**
 * Encloses an expression, so that what follows an expression in SQL (`LIMIT 5`, a second statement) is an error instead of being ignored.
 */
export function encloseExpression(expression: string): string {
  // A comment ends with its line.
  return `(${expression}\n)`;
}

/** Words that the engine reads as SQL: a column of such a name must be quoted (in LanceDB 0.39, of the 180 of its parser). */
const SQL_WORDS = new Set(
  [
    'all and any as between by case cast current_date current_time current_timestamp distinct else end escape exists false from ilike in',
    'interval is like not null or returning select similar some then to trim true when with',
  ]
    .join(' ')
    .split(' '),
);

/** Returns a column's name as an expression needs it: in backticks where SQL has a meaning for it. */
export function quotedName(name: string): string {
  return SQL_WORDS.has(name.toLowerCase()) ? `\`${name}\`` : name;
}

/** Replaces columns that a table lacks by nulls of their type, so that the expression means what it does where all rows are null. */
export function withNulls(expression: string, missing: readonly Column[]): string {
  const types = new Map(missing.map(({ name, type }) => [name.toLowerCase(), SQL_TYPES[type]]));
  return expression.replaceAll(TOKEN, (token) => {
    const isQuoted = /^[`"]/.test(token);
    const name = (isQuoted ? token.slice(1, -1) : token).toLowerCase();
    const type = isQuoted || !SQL_WORDS.has(name) ? types.get(name) : undefined;
    return type === undefined ? token : `CAST(NULL AS ${type})`;
  });
}
