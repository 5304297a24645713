import { stat } from 'node:fs/promises';
import type { CommandContext, CommandResult } from '../app/command.ts';
import { requireWhole } from '../app/option-checks.ts';
import { UsageError } from '../base/errors.ts';
import { isStreamOutput } from '../base/files/stream-output.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import { counted } from '../base/text/counted.ts';
import { checkInputs } from '../fasta/checked-inputs.ts';
import { type ReadingOptions, readingFor, withSkipped } from '../fasta/skipped-records.ts';
import { fastaColumns, parseKeep } from '../shard/columns/keep.ts';
import { writeShardDescription } from '../shard/description-file.ts';
import type { VectorType } from '../vectors/vector-type.ts';
import { type CachedEmbedder, withCachedEmbedder, withPlainEmbedder } from './cached-embedder.ts';
import type { PrecisionReport } from './compare-precision.ts';
import { embedFiles, type OnBlock, surveyFiles } from './embed-files.ts';
import { describedStream, kmerCache, missingOutput } from './embed-messages.ts';
import type { Embedder } from './embedder.ts';
import { loadEmbedder } from './load-embedder.ts';
import type { ModelFolderOptions } from './transformer/model-folder.ts';
import { hashFiles } from './transformer/model-hash.ts';

/** Options of the model. Default: the model's conventions. */
export interface ModelChoices {
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
}

/** The sequences, the model, and the shard to write. */
export interface EmbedRequest extends ModelChoices, ReadingOptions {
  model: string;
  output?: string | undefined;
  vectorType: VectorType;
  /** Columns of the shard: see `parseKeep`. */
  keep?: string | undefined;
  description?: string | undefined;
  cache?: string | undefined;
  checkpoints?: string | undefined;
  /** Count of sequences to embed in both precisions for a comparison, instead of writing a shard. */
  comparePrecision?: number | undefined;
}

/** The report on a shard, which also contains the shard's attributes. */
export interface EmbeddedShard extends CommandResult {
  residues: number;
  /** Count of vectors that were neither cached nor repeated. */
  computed: number;
  dimension: number;
  /** Of a model with weights. */
  device?: ModelFolderOptions['device'];
  /** SHA-256 of the file, by which the pipeline checks an entry of its embedding cache. */
  shardHash: string;
  model?: string | number;
}

/**
 * Embeds sequences into a shard, or compares the precisions of the model.
 * @throws UsageError for options that exclude each other; DataError for files that cannot be embedded
 */
export async function embedShard(
  args: EmbedRequest,
  context: CommandContext,
): Promise<EmbeddedShard | (CommandResult & PrecisionReport)> {
  const sample = count('compare-precision', args.comparePrecision);
  if (sample) {
    await checkInputs(args.input);
    const { comparePrecision } = await import('./compare-precision.ts');
    return {
      rows: sample,
      bytes: 0,
      ...(await comparePrecision(args.model, modelOptions(args), args.input, sample, readingFor(args))),
    };
  }
  const { output, description } = args;
  if (output === undefined || output === '') throw new UsageError(missingOutput);
  if (description !== undefined && isStreamOutput(output)) throw new UsageError(describedStream(output));
  const kept = fastaColumns(parseKeep(args.keep));
  const inputBytes = await checkInputs(args.input, output);
  if (args.model === 'kmer' && (args.cache ?? args.checkpoints) !== undefined) throw new UsageError(kmerCache);
  // kmer embeds faster than a survey or a cache could be read.
  const isFast = args.model === 'kmer';
  const model = await loadEmbedder(args.model, modelOptions(args));
  const survey = isFast
    ? undefined
    : await surveyFiles(args.input, model, output, readingFor(args)).catch(closing(model));
  const keeping = { cache: args.cache, checkpoints: args.checkpoints, output, inputHash: survey?.hash };
  const embed = async (embedder: CachedEmbedder): Promise<EmbeddedShard> => {
    const [total, unit] = survey ? [survey.residues, 'residues'] : [inputBytes, 'bytes'];
    const progress = context.progress('embed-sequences', total, unit);
    const onBlock: OnBlock = (bytes, residues) => progress.add(unit === 'bytes' ? bytes : residues);
    const { rows, residues, bytes, shardHash, ...skipped } = await withSkipped(args, context, (reading) =>
      writeAtomically(output, async (temporary) => {
        const embedding = embedFiles(args.input, embedder, output, temporary, args.vectorType, reading, onBlock, kept);
        const embedded = await embedding.finally(progress.stop);
        return { ...embedded, bytes: (await stat(temporary)).size, shardHash: await hashFiles([temporary]) };
      }),
    );
    const { name = output } = args;
    if (description !== undefined)
      await writeAtomically(description, (temporary) =>
        writeShardDescription(output, name, temporary, context, { allowEmpty: true }),
      );
    const computed = embedder.computed ?? rows;
    return {
      rows,
      bytes,
      residues,
      computed,
      shardHash,
      ...skipped,
      dimension: embedder.dimension,
      ...embedder.attributes,
      ...(isFast ? {} : { device: args.device ?? 'cpu' }),
    };
  };
  return isFast ? withPlainEmbedder(model, embed) : withCachedEmbedder(model, keeping, embed);
}

/** Closes the model after an error, and rethrows it. */
function closing(model: Embedder): (error: unknown) => Promise<never> {
  return async (error) => {
    await model.close();
    throw error;
  };
}

/** Returns the options that were passed; the model has defaults for the others. */
function modelOptions(args: ModelChoices): ModelFolderOptions {
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

/** Summarizes a written shard. */
export function shardSummary({ rows, residues, computed, dimension, model }: EmbeddedShard): string {
  const known = rows - computed;
  const knownText = known > 0 ? `; ${known} were cached or repeated` : '';
  return `embed-sequences: ${counted(rows, 'sequence')} (${counted(residues, 'residue')}) embedded in ${counted(dimension, 'dimension')} (${model})${knownText}`;
}

/** Summarizes a comparison of two precisions. */
export function comparisonSummary(report: CommandResult & PrecisionReport): string {
  const { sequences, meanCosine, minCosine, neighbourOverlap, float32ResiduesPerSecond, int8ResiduesPerSecond } =
    report;
  const overlap =
    neighbourOverlap === undefined
      ? ''
      : ` ${(100 * neighbourOverlap).toFixed(1)}% of the 10 nearest neighbours are the same;`;
  return (
    `embed-sequences: int8 against float32 on ${counted(sequences, 'sequence')}: cosine ${meanCosine.toFixed(5)} on average, ` +
    `${minCosine.toFixed(5)} at least;${overlap} ${(int8ResiduesPerSecond / float32ResiduesPerSecond).toFixed(1)} times as fast`
  );
}
