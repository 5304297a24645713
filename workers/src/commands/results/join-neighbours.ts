import { alignedOutputOptions } from '../../align/aligned-output-options.ts';
import { joinParts } from '../../align/join-parts.ts';
import { defineCommand } from '../../app/command.ts';
import { UsageError } from '../../base/errors.ts';
import { counted } from '../../base/text/counted.ts';
import { parseKeptColumns } from '../../database/catalog/kept-columns.ts';

export const command = defineCommand({
  describe: 'Joins neighbours that align-neighbours aligned in parts, by --range. The files are those of one task.',
  options: {
    input: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'Aligned neighbours (Parquet), in the order of their ranges',
    },
    ...alignedOutputOptions,
  },
  examples: [
    ['join-neighbours --input part1.parquet part2.parquet --output aligned.parquet', 'Join what two machines aligned'],
  ],
  async run(args, context) {
    if (args.input.length === 0) throw new UsageError('--input names no file.');
    const columns = args.columns === undefined ? undefined : parseKeptColumns(args.columns);
    return joinParts({ ...args, columns }, context);
  },
  summary: ({ rows, queries }) => `join-neighbours: ${counted(rows, 'neighbour')} of ${counted(queries, 'query')}`,
});
