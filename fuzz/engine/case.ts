import type { Anatomy } from '../mutate/mutate.ts';

/** How a command ended. */
export interface StepResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** The facts of a run after its commands have ended. */
export interface RunFacts {
  /** The folder of the run. */
  folder: string;
  results: readonly StepResult[];
  /** The `--json` report of a command. @param step its position */
  report(step: number): Record<string, unknown>;
  /** The changed file. */
  target: string;
  /** Its bytes before and after the change. */
  valid: Buffer;
  mutated: Buffer;
}

/** The judgement of an answer to a changed input. Undefined: the change may have that effect. Text: why it may not. */
export type Problem = string | undefined;

/** A valid situation, one file of which will be changed. */
export interface Case {
  /** Name of the case within its format. */
  name: string;
  /** Folder with all inputs of the commands; it is copied for every run. */
  template: string;
  /** The file to change, relative to the folder. */
  target: string;
  anatomy: Anatomy;
  /** Valid files of the same format, to splice with; absolute paths. Default: the file itself. */
  partners?: readonly string[];
  /** Command lines, run in the folder in order until one fails. `--json` is added. */
  steps: readonly (readonly string[])[];
  /** Files that the last step writes; the others are scratch. */
  outputs: readonly string[];
  /** Folders in which commands may change any file, but leave nothing temporary. */
  writes?: readonly string[];
  /** Exit code for the unchanged input. Default: 0. */
  normally?: number;
  /** Returns the answer as a text to compare, which is the same for harmless changes. */
  answer(facts: RunFacts): Promise<string>;
  /** Judges an answer that differs from that for the valid input. */
  explain(facts: RunFacts, answer: string, expected: string): Promise<Problem> | Problem;
  /** Judges a refusal of the last step, where an earlier step answered. */
  explainRefusal?(facts: RunFacts): Promise<Problem> | Problem;
}

/** All cases of a file format. */
export interface Format {
  name: string;
  describe: string;
  /** Share of the runs, relative to other formats. */
  weight: number;
  /** Creates valid situations. @param folder empty, for the templates */
  prepare(folder: string, tools: Tools): Promise<Case[]>;
}

/** Tools for `prepare`. */
export interface Tools {
  /** Runs command lines with the commands' own code; they must exit with 0. */
  run(folder: string, ...steps: readonly (readonly string[])[]): Promise<Record<string, unknown>[]>;
  /** Undefined without a Python with h5py and pyarrow; its checks are then skipped. */
  python: import('../oracle/python.ts').PythonReader | undefined;
}
