import { defineCommand } from '../app/command.ts';
import { fastaOption, fastaReadingOptions } from '../app/shared-options.ts';
import { comparisonSummary, embedShard, shardSummary } from '../embed/embed-shard.ts';
import type { ModelFolderOptions } from '../embed/transformer/model-folder.ts';
import { TRAILING_STOPS } from '../fasta/sequence.ts';
import { VECTOR_TYPES } from '../vectors/vector-type.ts';

type Choices<K extends keyof ModelFolderOptions> = ReadonlyArray<NonNullable<ModelFolderOptions[K]>>;
// Repeated here, because importing them from the models' files would load ONNX Runtime for `--help` and `kmer`.
const POOLINGS: Choices<'pooling'> = ['mean', 'mean-special', 'cls'];
const LONG: Choices<'long'> = ['truncate', 'windows'];
const UNKNOWN_LETTERS: Choices<'unknownLetters'> = ['unk', 'refuse'];
const HIDDEN_STATES: Choices<'hiddenState'> = ['before-norm', 'after-norm'];
const DEVICES: Choices<'device'> = ['cpu', 'cuda'];
const PRECISIONS: Choices<'precision'> = ['float32', 'int8'];

export const command = defineCommand({
  describe:
    'Embeds protein sequences (FASTA) as a shard of vectors. The model is "kmer", which is built in and needs no weights (to try ' +
    'LanceFlow, and for close homologs), or the folder of a protein language model. There is no default.',
  options: {
    model: { type: 'string', demandOption: true, describe: '"kmer", or the folder of a language model, also on s3://' },
    input: fastaOption,
    output: { type: 'string', describe: 'Shard to write (HDF5)' },
    'vector-type': {
      choices: VECTOR_TYPES,
      default: 'float32',
      describe: 'Type of the vectors in the shard: float16 halves it',
    },
    description: { type: 'string', describe: "Also write the shard's description to this file, for pack-buckets" },
    name: { type: 'string', describe: 'Name of the shard in plans and messages. Default: the path of --output' },
    pooling: {
      choices: POOLINGS,
      describe:
        'How residue vectors are pooled into one: their mean, the mean with special tokens, or the first token. Default: mean',
    },
    'hidden-state': {
      choices: HIDDEN_STATES,
      describe: "State of the last layer, before or after its norm. Default: the choice of the model's authors",
    },
    'max-length': {
      type: 'number',
      describe: "Longest sequence that the model embeds at once, in residues. Default: the model's limit",
    },
    long: { choices: LONG, describe: 'Truncate longer sequences, or embed them in windows. Default: truncate' },
    'unknown-letters': {
      choices: UNKNOWN_LETTERS,
      describe: 'Replace letters that the model does not know with its <unk>, or refuse them. Default: unk',
    },
    'trailing-stop': { choices: TRAILING_STOPS, describe: 'Treatment of a single trailing *. Default: drop' },
    device: { choices: DEVICES, describe: 'Device that runs the model. Default: cpu' },
    precision: { choices: PRECISIONS, describe: 'int8 is faster and less exact: see docs/models.md. Default: float32' },
    'batch-tokens': { type: 'number', describe: 'Tokens per batch. Default: by device' },
    threads: { type: 'number', describe: 'CPU threads of the model. Default: all' },
    cache: {
      type: 'string',
      describe: 'Folder that keeps vectors: a sequence that any run has embedded is not computed again',
    },
    checkpoints: {
      type: 'string',
      describe:
        'Folder that keeps the vectors of an unfinished run, from which the same run continues. Default: that of --output',
    },
    ...fastaReadingOptions,
    'compare-precision': {
      type: 'number',
      describe: 'Embed this number of sequences in float32 and int8, report how well they agree, and write no shard',
    },
  },
  examples: [
    ['embed-sequences --model kmer --input proteins.fasta --output proteins.h5', 'Embed without weights'],
    ['embed-sequences --model models/AMPLIFY_350M --input a.fa b.fa.gz --output ab.h5', 'Embed with a language model'],
    ['embed-sequences --model models/AMPLIFY_350M --input a.fa --compare-precision 200', 'Is int8 good enough?'],
  ],

  run: (args, context) => embedShard(args, context),

  isAnswer: (result) => 'meanCosine' in result,
  summary: (result) => ('meanCosine' in result ? comparisonSummary(result) : shardSummary(result)),
});
