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

/** Replaces columns that a table lacks by nulls of their type, so that the expression means what it does where all rows are null. */
export function withNulls(expression: string, missing: readonly Column[]): string {
  const types = new Map(missing.map(({ name, type }) => [name.toLowerCase(), SQL_TYPES[type]]));
  return expression.replaceAll(TOKEN, (token) => {
    const name = /^[`"]/.test(token) ? token.slice(1, -1) : token;
    const type = types.get(name.toLowerCase());
    return type === undefined ? token : `CAST(NULL AS ${type})`;
  });
}
