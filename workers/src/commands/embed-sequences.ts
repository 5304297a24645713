import { stat } from 'node:fs/promises';
import { type CommandResult, defineCommand } from '../app/command.ts';
import { requireWhole } from '../app/option-checks.ts';
import { UsageError } from '../base/errors.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import { type CachedEmbedder, withCachedEmbedder, withPlainEmbedder } from '../embed/cached-embedder.ts';
import type { PrecisionReport } from '../embed/compare-precision.ts';
import { embedFiles, type OnBlock, surveyFiles } from '../embed/embed-files.ts';
import type { Embedder } from '../embed/embedder.ts';
import { loadEmbedder } from '../embed/load-embedder.ts';
import type { ModelFolderOptions } from '../embed/transformer/model-folder.ts';
import { checkInputs } from '../fasta/checked-inputs.ts';
import { TRAILING_STOPS } from '../fasta/sequence.ts';
import { writeShardDescription } from '../shard/description-file.ts';
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

  async run(args, context) {
    const sample = count('compare-precision', args.comparePrecision);
    if (sample) {
      await checkInputs(args.input);
      const { comparePrecision } = await import('../embed/compare-precision.ts');
      return {
        rows: sample,
        bytes: 0,
        ...(await comparePrecision(args.model, modelOptions(args), args.input, sample)),
      };
    }
    const { output } = args;
    if (output === undefined || output === '')
      throw new UsageError('--output is missing or empty: give the name of the shard to write.');
    const inputBytes = await checkInputs(args.input, output);
    if (args.model === 'kmer' && (args.cache ?? args.checkpoints) !== undefined)
      throw new UsageError(
        '--cache and --checkpoints are for language models: kmer computes faster than they are read.',
      );
    // kmer computes faster than files are read and sequences looked up: for it, all that is left out.
    const isFast = args.model === 'kmer';
    const model = await loadEmbedder(args.model, modelOptions(args));
    const survey = isFast ? undefined : await surveyFiles(args.input, model, output).catch(closing(model));
    const keeping = { cache: args.cache, checkpoints: args.checkpoints, output, inputHash: survey?.hash };
    const embed = async (embedder: CachedEmbedder): Promise<EmbeddedShard> => {
      const [total, unit] = survey ? [survey.residues, 'residues'] : [inputBytes, 'bytes'];
      const progress = context.progress('embed-sequences', total, unit);
      const onBlock: OnBlock = (bytes, residues) => progress.add(unit === 'bytes' ? bytes : residues);
      const { rows, residues } = await writeAtomically(output, (temporary) =>
        embedFiles(args.input, embedder, output, temporary, args.vectorType, onBlock).finally(progress.stop),
      );
      const { size: bytes } = await stat(output);
      const { description, name = output } = args;
      if (description !== undefined)
        await writeAtomically(description, (temporary) => writeShardDescription(output, name, temporary, context));
      const computed = embedder.computed ?? rows;
      return { rows, bytes, residues, computed, dimension: embedder.dimension, ...embedder.attributes };
    };
    return isFast ? withPlainEmbedder(model, embed) : withCachedEmbedder(model, keeping, embed);
  },

  summary: (result) => ('meanCosine' in result ? comparisonSummary(result) : shardSummary(result)),
});

/** What is reported of a shard; its attributes are, too. */
interface EmbeddedShard extends CommandResult {
  residues: number;
  /** Vectors that were neither known nor repeated. */
  computed: number;
  dimension: number;
  model?: string | number;
}

function shardSummary({ rows, residues, computed, dimension, model }: EmbeddedShard): string {
  const known = rows - computed;
  const knownText = known > 0 ? `; ${known} were known or repeated` : '';
  return `embed-sequences: ${rows} sequences (${residues} residues) became vectors of ${dimension} components (${model})${knownText}`;
}

function comparisonSummary(report: CommandResult & PrecisionReport): string {
  const { sequences, meanCosine, minCosine, neighbourOverlap, float32ResiduesPerSecond, int8ResiduesPerSecond } =
    report;
  const overlap =
    neighbourOverlap === undefined
      ? ''
      : ` ${(100 * neighbourOverlap).toFixed(1)}% of the 10 nearest neighbours are the same;`;
  return (
    `embed-sequences: int8 against float32 on ${sequences} sequences: cosine ${meanCosine.toFixed(5)} on average, ` +
    `${minCosine.toFixed(5)} at least;${overlap} ${(int8ResiduesPerSecond / float32ResiduesPerSecond).toFixed(1)} times as fast`
  );
}

/** Passes an error on when the model is closed. */
function closing(model: Embedder): (error: unknown) => Promise<never> {
  return async (error) => {
    await model.close();
    throw error;
  };
}

/** The options that were given; the model knows what the others mean to it. */
function modelOptions(args: {
  pooling?: ModelFolderOptions['pooling'];
  hiddenState?: ModelFolderOptions['hiddenState'];
  precision?: ModelFolderOptions['precision'];
  maxLength?: number;
  long?: ModelFolderOptions['long'];
  unknownLetters?: ModelFolderOptions['unknownLetters'];
  trailingStop?: ModelFolderOptions['trailingStop'];
  device?: ModelFolderOptions['device'];
  batchTokens?: number;
  threads?: number;
}): ModelFolderOptions {
  const { pooling, hiddenState, long, unknownLetters, trailingStop, device, precision } = args;
  const maxResidues = count('max-length', args.maxLength);
  const batchTokens = count('batch-tokens', args.batchTokens);
  const threads = count('threads', args.threads);
  return {
    ...(pooling && { pooling }),
    ...(hiddenState && { hiddenState }),
    ...(precision && { precision }),
    ...(maxResidues && { maxResidues }),
    ...(long && { long }),
    ...(unknownLetters && { unknownLetters }),
    ...(trailingStop && { trailingStop }),
    ...(device && { device }),
    ...(batchTokens && { batchTokens }),
    ...(threads && { threads }),
  };
}

function count(name: string, value: number | undefined): number | undefined {
  if (value !== undefined) requireWhole(name, value);
  return value;
}
