import { MAX_JSON_LEVELS } from '../limits.ts';

/**
 * Parses JSON that comes from outside.
 * @throws SyntaxError where it is not JSON, or nested more than MAX_JSON_LEVELS deep
 */
export function parseJsonText(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // Level by level, because a function that calls itself ends where the stack does.
  let level: object[] = isObject(value) ? [value] : [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_JSON_LEVELS) throw new SyntaxError(`it is nested more than ${MAX_JSON_LEVELS} levels deep`);
    level = level.flatMap((holder) => Object.values(holder).filter(isObject));
  }
  return value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
