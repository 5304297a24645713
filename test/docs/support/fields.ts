import { codeOf, type Table } from './markdown.ts';

/**
 * Compares a JSON value with the table that describes its fields. `a.b[].c` is a field of the entries of a list,
 * `a.*` stands for fields of any name; a row whose meaning starts with "optional" may be missing.
 * @returns what does not agree
 */
export function compareFields(value: unknown, table: Table): string[] {
  const described = table.rows.map(([field, , meaning]) => ({
    field: codeOf(field!),
    optional: meaning!.startsWith('optional'),
  }));
  const found = [...fieldsOf(value, '')];
  const fits = (path: string, field: string) =>
    field.endsWith('.*') ? path.startsWith(field.slice(0, -1)) : path === field;
  return [
    ...found
      .filter((path) => !described.some(({ field }) => fits(path, field)))
      .map((path) => `not described: ${path}`),
    ...described
      .filter(({ field, optional }) => !optional && !found.some((path) => fits(path, field)))
      .map(({ field }) => `not there: ${field}`),
  ];
}

/** Paths of all fields that hold a value or a list; of lists, the fields of their entries too. */
function* fieldsOf(value: unknown, path: string): Generator<string> {
  if (Array.isArray(value)) {
    yield path;
    const inner = new Set(value.flatMap((entry) => [...fieldsOf(entry, `${path}[]`)]));
    inner.delete(`${path}[]`);
    yield* inner;
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries(value)) yield* fieldsOf(field, path === '' ? name : `${path}.${name}`);
  } else yield path;
}
