import { codeOf, type Table } from './markdown.ts';

const WITH_PARENT = 'required where its parent is there';

/**
 * Compares a JSON value with the table of its fields. `a.b[].c` is a field of the entries of a list, and `a.*` are fields of
 * any name. A row whose meaning starts with "optional" may be missing; one whose meaning starts with "required where its
 * parent is there" only together with its parent.
 * @returns the differences
 */
export function compareFields(value: unknown, table: Table): string[] {
  const described = table.rows.map(([field, , meaning]) => ({
    field: codeOf(field!),
    optional: meaning!.startsWith('optional'),
    withParent: meaning!.startsWith(WITH_PARENT),
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
      .filter(({ field, withParent }) => !withParent || found.some((path) => path.startsWith(parentOf(field))))
      .map(({ field }) => `not there: ${field}`),
  ];
}

/** Returns the parent: `a.` for `a.b`, `a[].` for `a[].b`. */
function parentOf(field: string): string {
  return field.slice(0, field.lastIndexOf('.') + 1);
}

/** Lists the paths of all fields with a value or a list, and the fields of lists' entries. */
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
