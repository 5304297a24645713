/** npm run fuzz: runs the commands on changed inputs and counts the outcomes. */
import { resolve } from 'node:path';
import yargs from 'yargs';
import { createProgress, log, type Progress } from '../workers/src/app/progress.ts';
import { runCampaign } from './engine/campaign.ts';
import { FORMATS } from './formats/all.ts';
import { HEAD_FORMATS } from './pipeline/head.ts';

const ALL = [...FORMATS, ...HEAD_FORMATS];
const NAMES = ALL.map(({ name }) => name);

const { runs, seed, format, seconds, keep, run } = await yargs(process.argv.slice(2))
  .scriptName('npm run fuzz --')
  .usage(
    'Changes valid files of every format that the commands read (bits, lengths, numbers, keys, lines, blocks, splices), runs the ' +
      'commands on them, and compares the answers with those for the valid files and with the readings of other libraries. Prints a ' +
      'table of outcomes in Markdown. Exits with 1 where a command ended as a bug, crashed, hung, took too much memory, left files ' +
      'behind, or returned a wrong answer that a checksum or a type could have shown. It keeps these inputs, with the command that repeats them.\n\n' +
      `Formats:\n${ALL.map(({ name, describe }) => `  ${name.padEnd(15)}${describe}`).join('\n')}`,
  )
  .options({
    runs: { type: 'number', default: 2000, describe: 'Runs, divided among the formats' },
    seed: { type: 'number', default: 1, describe: 'Seed of all changes: the same seed makes the same changes' },
    format: {
      type: 'array',
      string: true,
      choices: NAMES,
      default: NAMES,
      defaultDescription: 'all',
      describe: 'Only these formats',
    },
    seconds: { type: 'number', default: 3600, describe: 'Starts no run after this time' },
    keep: { type: 'string', default: 'fuzz-results', describe: 'Folder for the inputs of findings' },
    run: { type: 'number', describe: 'Only the run with this number, of each --format' },
  })
  .example('$0 --runs 200 --seed 7', 'A short campaign over all formats')
  .example('$0 --format hdf5 --seed 7 --run 12', 'One run again')
  .strict()
  .version(false)
  .wrap(110)
  .parseAsync();

let progress: Progress | undefined;
const { tally, findings } = await runCampaign(
  {
    formats: FORMATS.filter(({ name }) => format.includes(name)),
    head: HEAD_FORMATS.filter(({ name }) => format.includes(name)),
    ...{ runs, seed, seconds, keep: resolve(keep), only: run },
  },
  {
    log,
    begin: (count) => {
      progress = createProgress('fuzz', count, 'runs');
    },
    done: () => progress?.add(1),
  },
);
progress?.stop();
process.stdout.write(`${tally.table()}\n`);
for (const { format: name, name: what, verdict, folder } of findings)
  log(`${verdict.outcome}: ${name}, ${what}: ${folder}/REPEAT.txt`);
log(findings.length === 0 ? 'fuzz: no findings' : `fuzz: ${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);
