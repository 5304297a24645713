import { UsageError } from '../base/errors.ts';
import { findNearestName } from '../base/text/nearest-name.ts';

/** Matches an option with its optional value: `--bucket-size=5`. */
const OPTION = /^--([^=]+)(=.*)?$/s;

/**
 * Writes the options of a command line as the command declares them: underscores, as in the pipeline's parameters (`--bucket_size`), and
 * camel case become hyphens.
 * @param known names of all options of the command
 * @throws UsageError that names the first unknown option, and the nearest known one
 */
export function resolveOptionNames(command: string, argv: readonly string[], known: ReadonlySet<string>): string[] {
  const end = argv.indexOf('--');
  return argv.map((word, i) => {
    const [, name, value = ''] = (end === -1 || i < end ? OPTION.exec(word) : undefined) ?? [];
    if (name === undefined) return word;
    const found = [name, hyphenated(name)].find((form) => isKnown(form, known));
    if (found === undefined) throw new UsageError(unknownOption(command, `--${name}`, known));
    return `--${found}${value}`;
  });
}

/** Says that a command has no such option, and which one was probably meant. */
export function unknownOption(command: string, typed: string, known: ReadonlySet<string>): string {
  const near = findNearestName(typed.replace(/^-+(no-)?/, ''), [...known]);
  const suggestion = near === undefined ? '' : ` Did you mean --${near}?`;
  return `Unknown option ${typed}.${suggestion} See: ${command} --help`;
}

/** Returns whether a name is an option, or negates one (`--no-ids`). */
function isKnown(name: string, known: ReadonlySet<string>): boolean {
  return known.has(name) || (name.startsWith('no-') && known.has(name.slice('no-'.length)));
}

function hyphenated(name: string): string {
  return name
    .replaceAll('_', '-')
    .replaceAll(/[a-z0-9][A-Z]/g, ([before, letter]) => `${before}-${letter}`)
    .toLowerCase();
}
