import { mkdir, readdir } from 'node:fs/promises';
import { defineCommand } from '../app/command.ts';
import { requireWhole } from '../app/option-checks.ts';
import { fastaOption, fastaReadingOptions } from '../app/shared-options.ts';
import { DataError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';
import { splitFiles } from '../embed/split-files.ts';
import { checkInputs } from '../fasta/checked-inputs.ts';
import { withSkipped } from '../fasta/skipped-records.ts';
import { fastaColumns, parseKeep } from '../shard/columns/keep.ts';

export const command = defineCommand({
  describe:
    'Divides protein sequences into files with about equal residue counts, so that many tasks can embed them. Records that are ' +
    'appended to the input change only the last file.',
  options: {
    input: fastaOption,
    'part-residues': { type: 'number', default: 50_000_000, describe: 'Residues per part' },
    output: { type: 'string', demandOption: true, describe: 'Folder for the parts: part_00001.<hash>.fasta, ...' },
    name: { type: 'string', describe: 'Name of the input in the table of --skipped. Default: its path' },
    ...fastaReadingOptions,
  },
  examples: [['split-sequences --input uniref50.fasta.gz --output parts', 'About 140,000 proteins per file']],

  async run(args, context) {
    const { output, partResidues } = args;
    requireWhole('part-residues', partResidues);
    const inputBytes = await checkInputs(args.input);
    await mkdir(output, { recursive: true });
    if ((await readdir(output)).some((name) => name.startsWith('part_')))
      throw new DataError(`${output} has parts of an earlier run. Remove them, or choose another folder.`);
    const progress = context.progress('split-sequences', inputBytes, 'bytes');
    const descriptions = fastaColumns(parseKeep(args.keep)).includes('description');
    return withSkipped(args, context, (reading) => {
      const options = { ...reading, descriptions };
      return splitFiles(args.input, output, partResidues, options, progress.add).finally(progress.stop);
    });
  },

  summary: ({ rows, residues, parts }) =>
    `split-sequences: ${counted(rows, 'sequence')} (${counted(residues, 'residue')}) in ${counted(parts, 'file')}`,
});
