/** Options whose values are folders of one machine. */
const FOLDERS: Readonly<Record<string, string | undefined>> = {
  '--folder': undefined,
  '--prokka': undefined,
  '--other': 'CHECKOUT',
};

/**
 * Returns the command of a saved result. The folder of the data, or of a package, says nothing to its readers, and is left out; that of another checkout becomes
 * CHECKOUT.
 * @param options of the benchmark, as they were given
 */
export function savedCommand(name: string, options: readonly string[]): string {
  const shown: string[] = [];
  for (let at = 0; at < options.length; at++) {
    const option = options[at]!;
    const [key = '', value] = option.split('=', 2);
    if (!Object.hasOwn(FOLDERS, key)) {
      shown.push(option);
      continue;
    }
    if (value === undefined) at++;
    const neutral = FOLDERS[key];
    if (neutral !== undefined) shown.push(key, neutral);
  }
  return ['npm run bench --', name, ...shown].join(' ');
}
