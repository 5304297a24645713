import { MAX_JSON_DEPTH } from '../limits.ts';

/**
 * Parses external JSON.
 * @throws SyntaxError if the text is not JSON, or is nested deeper than MAX_JSON_DEPTH
 */
export function parseJsonText(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // Level by level, because recursion would overflow the stack.
  let level: object[] = isObject(value) ? [value] : [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_JSON_DEPTH) throw new SyntaxError(`it is nested more than ${MAX_JSON_DEPTH} levels deep`);
    level = level.flatMap((parent) => Object.values(parent).filter(isObject));
  }
  return value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
