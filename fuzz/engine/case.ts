import type { Anatomy } from '../mutate/mutate.ts';

/** How a command ended. */
export interface StepResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** What is known when the commands of a run have ended. */
export interface RunFacts {
  /** The folder they ran in. */
  folder: string;
  results: readonly StepResult[];
  /** The `--json` report of a command. @param step its position */
  report(step: number): Record<string, unknown>;
  /** The changed file. */
  target: string;
  /** Its bytes before and after it was changed. */
  valid: Buffer;
  mutated: Buffer;
}

/** What the answer to a changed input is worth. Undefined: the change may have that effect. Text: why it must not. */
export type Problem = string | undefined;

/** A valid situation, of which one file will be changed. */
export interface Case {
  /** Tells it from others of its format. */
  name: string;
  /** Folder with everything that the commands read; it is copied for every run. */
  template: string;
  /** The file to change, relative to the folder. */
  target: string;
  anatomy: Anatomy;
  /** Valid files of the same format, to splice with; absolute paths. Default: the file itself. */
  partners?: readonly string[];
  /** Command lines, run in the folder one after the other until one fails. `--json` is added. */
  steps: readonly (readonly string[])[];
  /** Files that the last step writes; the others are scratch. */
  outputs: readonly string[];
  /** Folders in which commands may change what they like, as long as nothing temporary is left. */
  writes?: readonly string[];
  /** The code that the commands end with where nothing was changed. Default: 0. */
  normally?: number;
  /** The answer as text that is compared: the same for harmless changes. */
  answer(facts: RunFacts): Promise<string>;
  /** Judges another answer than that of the valid input. */
  explain(facts: RunFacts, answer: string, expected: string): Promise<Problem> | Problem;
  /** Judges a refusal of the last step, where an earlier one gave an answer. */
  explainRefusal?(facts: RunFacts): Promise<Problem> | Problem;
}

/** All cases of a file format. */
export interface Format {
  name: string;
  describe: string;
  /** Share of the runs, relative to other formats. */
  weight: number;
  /** Makes valid situations. @param folder empty, for the templates */
  prepare(folder: string, tools: Tools): Promise<Case[]>;
}

/** What preparing uses. */
export interface Tools {
  /** Runs command lines with the commands' own code; they must end with 0. */
  run(folder: string, ...steps: readonly (readonly string[])[]): Promise<Record<string, unknown>[]>;
  /** Undefined where there is no Python with h5py and pyarrow: what it would check is not checked. */
  python: import('../oracle/python.ts').PythonReader | undefined;
}
