/** Options whose values may be confidential. */
const CONFIDENTIAL = /secret|password|credential|^sequence$/i;
/** A user and a password in an address. */
const USER_OF_ADDRESS = /(?<=\/\/)[^/@\s]+@/g;
const MOST_VALUES = 100;

type Shown = string | number | boolean | (string | number)[];

/**
 * Returns the values of options for the start event: without confidential ones, and with the count in place of a long list.
 * @param names of the options, as they are documented
 */
export function shownOptions(args: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, Shown> {
  const shown = names.flatMap((name): [string, Shown][] => {
    const value = CONFIDENTIAL.test(name) ? undefined : shownValue(args[name]);
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(shown);
}

function shownValue(value: unknown): Shown | undefined {
  if (typeof value === 'boolean') return value;
  if (!Array.isArray(value)) return shownText(value);
  if (value.length > MOST_VALUES) return `${value.length} values`;
  return value.flatMap((one) => shownText(one) ?? []);
}

function shownText(value: unknown): string | number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return typeof value === 'string' ? value.replaceAll(USER_OF_ADDRESS, '') : undefined;
}
