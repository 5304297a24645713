import { findNearestName } from './base/text/nearest-name.ts';

/** Commands beside those of the pipeline, with their lines in `lanceflow --help`. */
export const GENERAL_COMMANDS: ReadonlyArray<[string, string]> = [
  ['completion', 'Print a script that completes commands in bash or zsh'],
  ['help', 'Explain a command'],
];

const SEE = 'lanceflow --help lists the commands.';

/** Texts of the command line as a whole. */
export const CLI_MESSAGES = {
  unknownCommand: (typed: string, known: readonly string[]) => {
    const near = findNearestName(typed, known);
    const what = typed.startsWith('-') ? `Unknown option ${typed}` : `Unknown command ${JSON.stringify(typed)}`;
    return `${what}.${near === undefined ? '' : ` Did you mean ${near}?`} ${SEE}`;
  },
  unknownShell: (shell: string, known: readonly string[]) =>
    `${JSON.stringify(shell)} is no shell that can be completed; name one of ${known.join(', ')}.`,
};

/** Formats `lanceflow --help`. @param commands name and description of each */
export function overview(commands: readonly (readonly [string, string])[]): string {
  const lines = [...commands, ...GENERAL_COMMANDS].map(([name, describe]) => `  ${name.padEnd(17)} ${describe}`);
  return `Usage: lanceflow COMMAND [options]

Commands:
${lines.join('\n')}

Options:
  --version, -v     Print the version
  --help, -h        Explain LanceFlow, or after a command that command

Examples:
  lanceflow ask MKTAYIAKQRQISFVKSHFSRQ --database db   Print the nearest proteins
  lanceflow catalog --database db                      Show a database, and what to do for it
  lanceflow search-bucket --help                       Explain a command
  source <(lanceflow completion bash)                  Complete commands and options with Tab

The pipeline runs these commands: nextflow run main.nf --help`;
}
