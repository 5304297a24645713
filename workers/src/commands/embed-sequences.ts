import { defineCommand } from '../app/command.ts';
import { comparisonSummary, embedShard, shardSummary } from '../embed/embed-shard.ts';
import type { ModelFolderOptions } from '../embed/transformer/model-folder.ts';
import { TRAILING_STOPS } from '../fasta/sequence.ts';
import { VECTOR_TYPES } from '../vectors/vector-type.ts';

type Choices<K extends keyof ModelFolderOptions> = ReadonlyArray<NonNullable<ModelFolderOptions[K]>>;
// Named here, and not taken from the models' files, so that `--help` and `kmer` do not load their runtime.
const POOLINGS: Choices<'pooling'> = ['mean', 'mean-special', 'cls'];
const LONG: Choices<'long'> = ['truncate', 'windows'];
const UNKNOWN_LETTERS: Choices<'unknownLetters'> = ['unk', 'refuse'];
const HIDDEN_STATES: Choices<'hiddenState'> = ['before-norm', 'after-norm'];
const DEVICES: Choices<'device'> = ['cpu', 'cuda'];
const PRECISIONS: Choices<'precision'> = ['float32', 'int8'];

export const command = defineCommand({
  describe:
    'Turns protein sequences into a shard of vectors. The model is named every time: "kmer", which is built in and ' +
    'needs no weights (for trying LanceFlow and for close homologs), or the folder of a protein language model.',
  options: {
    model: { type: 'string', demandOption: true, describe: '"kmer", or a model folder (AMPLIFY, ESM-2), also s3://' },
    input: {
      type: 'array',
      string: true,
      demandOption: true,
      describe: 'FASTA files, plain, gzip or zstd; - is standard input',
    },
    output: { type: 'string', describe: 'The shard (HDF5)' },
    'vector-type': {
      choices: VECTOR_TYPES,
      default: 'float32',
      describe: 'Of the vectors in the shard; float16 halves it',
    },
    description: { type: 'string', describe: "Also write the shard's description here, for pack-buckets" },
    name: { type: 'string', describe: "What plans and messages call the shard; default: --output's path" },
    pooling: { choices: POOLINGS, describe: 'How residues become one vector; default: mean' },
    'hidden-state': { choices: HIDDEN_STATES, describe: "Of the last layer; default: the model authors'" },
    'max-length': { type: 'number', describe: "Most residues the model sees at once; default: the model's" },
    long: { choices: LONG, describe: 'What happens to longer sequences; default: truncate' },
    'unknown-letters': {
      choices: UNKNOWN_LETTERS,
      describe: 'Letters that the model does not know become its <unk>, or are refused; default: unk',
    },
    'trailing-stop': { choices: TRAILING_STOPS, describe: 'What becomes of one * at the end; default: drop' },
    device: { choices: DEVICES, describe: 'What the model runs on; default: cpu' },
    precision: { choices: PRECISIONS, describe: 'int8 is faster and not exact: see docs/models.md; default: float32' },
    'batch-tokens': { type: 'number', describe: 'Tokens of a batch; default: by device' },
    threads: { type: 'number', describe: 'CPU threads of the model; default: all' },
    cache: {
      type: 'string',
      describe: 'Folder of vectors made before: known sequences are not computed again, also after a kill',
    },
    checkpoints: {
      type: 'string',
      describe:
        "Folder where an unfinished run keeps its vectors; the same run goes on from there; default: --output's",
    },
    'compare-precision': {
      type: 'number',
      describe: 'Embed so many sequences in float32 and int8, tell how well they agree, and write nothing',
    },
  },
  examples: [
    ['embed-sequences --model kmer --input proteins.fasta --output proteins.h5', 'Without weights'],
    ['embed-sequences --model models/AMPLIFY_350M --input a.fa b.fa.gz --output ab.h5', 'With a language model'],
    ['embed-sequences --model models/AMPLIFY_350M --input a.fa --compare-precision 200', 'Is int8 good enough?'],
  ],

  run: (args, context) => embedShard({ ...args, input: args.input as string[] }, context),

  summary: (result) => ('meanCosine' in result ? comparisonSummary(result) : shardSummary(result)),
});
