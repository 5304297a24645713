import { realpath, stat } from 'node:fs/promises';
import { defineCommand } from '../command.ts';
import { DataError, UsageError } from '../errors.ts';
import { embedFiles } from '../io/embed-files.ts';
import { writeAtomically } from '../io/files.ts';
import { loadEmbedder } from '../models/embedder.ts';
import type { ModelFolderOptions } from '../models/model-folder.ts';

type Choices<K extends keyof ModelFolderOptions> = ReadonlyArray<NonNullable<ModelFolderOptions[K]>>;
// Named here, and not taken from the models' files, so that `--help` and `kmer` do not load their runtime.
const POOLINGS: Choices<'pooling'> = ['mean', 'mean-special', 'cls'];
const LONG: Choices<'long'> = ['truncate', 'windows'];
const DEVICES: Choices<'device'> = ['cpu', 'cuda'];

export const command = defineCommand({
  describe:
    'Turns protein sequences into a shard of vectors. The model is named every time: "kmer", which is built in and ' +
    'needs no weights (for trying LanceFlow and for close homologs), or the folder of a protein language model.',
  options: {
    model: { type: 'string', demandOption: true, describe: '"kmer", or a model folder (AMPLIFY, ESM-2)' },
    input: { type: 'array', string: true, demandOption: true, describe: 'FASTA files, plain or gzip' },
    output: { type: 'string', demandOption: true, describe: 'The shard (HDF5)' },
    pooling: { choices: POOLINGS, describe: 'How residues become one vector; default: mean' },
    'max-length': { type: 'number', describe: "Most residues the model sees at once; default: the model's" },
    long: { choices: LONG, describe: 'What happens to longer sequences; default: truncate' },
    device: { choices: DEVICES, describe: 'What the model runs on; default: cpu' },
    'batch-tokens': { type: 'number', describe: 'Tokens of a batch; default: by device' },
    threads: { type: 'number', describe: 'CPU threads of the model; default: all' },
  },
  examples: [
    ['embed-sequences --model kmer --input proteins.fasta --output proteins.h5', 'Without weights'],
    ['embed-sequences --model models/AMPLIFY_350M --input a.fa b.fa.gz --output ab.h5', 'With a language model'],
  ],

  async run(args, context) {
    const inputBytes = await checkInputs(args.input, args.output);
    const embedder = await loadEmbedder(args.model, modelOptions(args));
    try {
      const progress = context.progress('embed-sequences', inputBytes, 'bytes');
      const { rows, residues } = await writeAtomically(args.output, (temporary) =>
        embedFiles(args.input, embedder, temporary, progress.add).finally(progress.stop),
      );
      const { size: bytes } = await stat(args.output);
      return { rows, bytes, residues, dimension: embedder.dimension, ...embedder.attributes };
    } finally {
      await embedder.close();
    }
  },

  summary: ({ rows, residues, dimension, model }) =>
    `embed-sequences: ${rows} sequences (${residues} residues) became vectors of ${dimension} components (${model})`,
});

/** @returns bytes of all inputs, for the progress */
async function checkInputs(inputs: readonly string[], output: string): Promise<number> {
  if (inputs.length === 0) throw new UsageError('--input needs at least one FASTA file.');
  if (output === '') throw new UsageError('--output is empty: give the name of the shard to write.');
  const realOutput = await realpath(output).catch(() => undefined);
  const seen = new Map<string, string>();
  let bytes = 0;
  for (const input of inputs) {
    const real = await realpath(input).catch(() => {
      throw new DataError(`${input}: no such file.`);
    });
    if (real === realOutput) throw new UsageError(`${input}: is also --output. Write to another file.`);
    const other = seen.get(real);
    if (other !== undefined) throw new UsageError(`--input names the same file twice: ${other} and ${input}.`);
    seen.set(real, input);
    bytes += (await stat(real)).size;
  }
  return bytes;
}

/** The options that were given; the model knows what the others mean to it. */
function modelOptions(args: {
  pooling?: ModelFolderOptions['pooling'];
  maxLength?: number;
  long?: ModelFolderOptions['long'];
  device?: ModelFolderOptions['device'];
  batchTokens?: number;
  threads?: number;
}): ModelFolderOptions {
  const { pooling, long, device } = args;
  const maxResidues = count('max-length', args.maxLength);
  const batchTokens = count('batch-tokens', args.batchTokens);
  const threads = count('threads', args.threads);
  return {
    ...(pooling && { pooling }),
    ...(maxResidues && { maxResidues }),
    ...(long && { long }),
    ...(device && { device }),
    ...(batchTokens && { batchTokens }),
    ...(threads && { threads }),
  };
}

function count(name: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) return value;
  throw new UsageError(`--${name} must be a whole number from 1, not ${value}.`);
}
