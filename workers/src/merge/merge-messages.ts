/** Every text that merging shows to the user. */
export const MERGE_MESSAGES = {
  sameOutputs: '--output and --csv name the same file. Give each its own.',
  inputTwice: (path: string) => `--input names ${path} twice: its hits would count double.`,
  inputIsOutput: (path: string) => `${path} is both input and output.`,
  outOfOrder: (path: string, row: number) =>
    `${path}: row ${row} is out of order, though the file says that it is sorted. Search this bucket again.`,
  idIsNotText: (paths: readonly string[]) => {
    const [first, ...others] = paths;
    const file = others.length === 0 ? first : `one of ${first} and ${others.length} more`;
    return `${file}: an id is not UTF-8 text: the file is damaged. Search its bucket again.`;
  },

  checkingOrder: (files: number) =>
    `merge-hits: checking the order of ${files} files that do not say that they are sorted`,
  sortedFirst: (path: string) => `merge-hits: ${path} is not sorted by query and distance; it was sorted first`,
  severalPasses: (files: number, temporaryFiles: number) =>
    `merge-hits: ${files} files are merged by way of ${temporaryFiles} temporary files`,
  recall: (k: number, estimate: string) => `merge-hits: recall@${k} ${estimate}`,
} as const;
