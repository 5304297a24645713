/** Texts about events and metrics, for users. */
export const MONITORING_MESSAGES = {
  stopped: (what: string, path: string, reason: string) =>
    `${path}: the ${what} cannot be written: ${reason} The command continues without them.`,
  noReader: (path: string) => `--events ${path}: no program reads this pipe. Start the reader first.`,
  notAFile: (path: string) => `--metrics ${path}: a pipe or a device cannot be replaced. Name a file.`,
  wrongVariable: (value: string) => `LANCEFLOW_CLOUDWATCH must be true or false, not ${JSON.stringify(value)}.`,
  slowReader: 'the program that reads this pipe does not keep up.',
  closedPipe: 'the program that reads this pipe has ended.',
};

const AGAIN = 'Run the same command again.';

/** What to do about an error, by its kind. */
export const ADVICE = {
  usage: 'Correct the command line. lanceflow COMMAND --help explains the options.',
  data: 'Correct or replace the input that the message names, then run the same command again.',
  transient: AGAIN,
  bug: 'Report the message and the stack.',
  stopped: 'Run the same command again to continue.',
  other: AGAIN,
} as const;
