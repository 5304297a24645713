import { counted } from '../base/text/counted.ts';

/** Messages of merging for users. */
export const MERGE_MESSAGES = {
  sameOutputs: '--output and --csv name the same file. Choose two names.',
  inputTwice: (path: string) => `--input names ${path} twice: its hits would be counted twice.`,
  inputIsOutput: (path: string) => `${path} is both input and output.`,
  outOfOrder: (path: string, row: number) =>
    `${path}: row ${row} is out of order, although the file is marked as sorted. Search this bucket again.`,
  idIsNotText: (paths: readonly string[]) => {
    const [first, ...others] = paths;
    const file = others.length === 0 ? first : `one of ${first} and ${others.length} more`;
    return `${file}: an id is not UTF-8 text: the file is damaged. Search its bucket again.`;
  },

  noPValues: (path: string) =>
    `${path} has no p-values, which --max-evalue needs: its bucket was built by an earlier version, or searched with a refine ` +
    'factor of 0. Run index-bucket again for it, then search it again without that.',

  checkingOrder: (files: number) =>
    `merge-hits: checking the order of ${counted(files, 'file')} that ${files === 1 ? 'is' : 'are'} not marked as sorted`,
  sortedFirst: (path: string) => `merge-hits: ${path} was not sorted by query and distance, so it was sorted first`,
  severalPasses: (files: number, temporaryFiles: number) =>
    `merge-hits: merging ${counted(files, 'file')} through ${counted(temporaryFiles, 'temporary file')}`,
  recall: (k: number, estimate: string) => `merge-hits: recall@${k} ${estimate}`,
} as const;
