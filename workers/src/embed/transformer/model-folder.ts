import { realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';
import { withScratch } from '../../base/files/scratch.ts';
import type { TrailingStop } from '../../fasta/sequence.ts';
import { writeQuantizedWeights } from '../../onnx/onnx-quantized-weights.ts';
import { createSession, type Device, type OnnxSession } from '../../onnx/onnx-session.ts';
import { WEIGHT_ROUNDING } from '../../onnx/quantize-weights.ts';
import { findWeights, type StoredWeights } from '../../onnx/safetensors.ts';
import type { ShardAttributes } from '../../shard/shard.ts';
import * as messages from '../embed-messages.ts';
import type { Embedder } from '../embedder.ts';
import type { Architecture, HiddenState } from './architecture.ts';
import { architectureOf } from './architectures.ts';
import { ModelConfig } from './config.ts';
import { buildEncoderGraph, type EncoderGraph } from './encoder-graph.ts';
import type { Precision, WeightPlaces } from './graph-weights.ts';
import { hashFiles } from './model-hash.ts';
import type { Pooling } from './pooling.ts';
import { readDocument, textOf } from './read-document.ts';
import { findTokenizer } from './tokenizers/find-tokenizer.ts';
import type { Tokenizer, UnknownLetters } from './tokenizers/tokenizer.ts';
import { createTransformerEmbedder, type LongSequences } from './transformer-embedder.ts';

/** Conventions and resources; undefined fields have the defaults of the model. */
export interface ModelFolderOptions {
  /** Default: `mean`. */
  pooling?: Pooling;
  /** Default: the choice of the model's authors. */
  hiddenState?: HiddenState;
  /** Length limit in residues. Default: the limit of the model's authors. */
  maxResidues?: number;
  /** Treatment of longer sequences. Default: `truncate`. */
  long?: LongSequences;
  /** Treatment of letters outside the vocabulary. Default: `unk`. */
  unknownLetters?: UnknownLetters;
  /** Treatment of a single trailing `*`. Default: `drop`. */
  trailingStop?: TrailingStop;
  /** Default: `cpu`. */
  device?: Device;
  /** Tokens of a batch, padding included; 0: one sequence at a time, as always in int8. Default: 0 on cpu, 16384 elsewhere. */
  batchTokens?: number;
  /** Default: `float32`. */
  precision?: Precision;
  /** CPU threads. */
  threads?: number;
}

const ACCELERATOR_BATCH_TOKENS = 16384;
/** Limit of a window: the memory of attention grows with its square. */
const MAX_RESIDUES = 2 ** 17;

/**
 * Loads a model in its published form: config.json, the tokenizer's file and safetensors weights.
 * @throws DataError if a file is missing or damaged, contradicts another, or the architecture is unknown
 * @throws UsageError if an option does not fit the model or the machine
 */
export async function loadModelFolder(folder: string, options: ModelFolderOptions = {}): Promise<Embedder> {
  await requireFolder(folder);
  const config = await readConfig(folder);
  const architecture = architectureOf(config);
  const { tokenizer, files: tokenizerFiles } = await findTokenizer(folder, architecture, config);
  const stored = await findWeights(folder);

  const conventions = resolveConventions(architecture, config, tokenizer, options);
  const { device = 'cpu' } = options;
  // In int8 the activations of a batch would share one scale, so a vector would depend on the other sequences.
  const batchTokens =
    conventions.precision === 'int8' ? 0 : (options.batchTokens ?? (device === 'cpu' ? 0 : ACCELERATOR_BATCH_TOKENS));
  // Files are hashed while another thread loads the graph.
  const hashing = hashFiles([config.path, ...tokenizerFiles, ...stored.files]);
  hashing.catch(() => {}); // awaited below
  const session = await createEncoderSession(options, stored, (weightPlaces) =>
    buildEncoderGraph(
      architecture,
      config,
      stored,
      { folder, ...weightPlaces },
      {
        hiddenState: conventions.hiddenState,
        maxTokens: conventions.maxResidues + specialTokens(tokenizer),
        padded: batchTokens > 0,
      },
    ),
  );
  const hash = await hashing.catch(async (error: unknown) => {
    await session.close();
    throw error;
  });
  return createTransformerEmbedder({
    session,
    tokenizer,
    dimension: config.size(architecture.sizeFields.dimension),
    attributes: describe(architecture, config, hash, conventions),
    batchTokens,
    ...conventions,
  });
}

/** Builds the graph and loads it; 8-bit weights are loaded from a temporary file. */
async function createEncoderSession(
  { device = 'cpu', threads, precision = 'float32' }: ModelFolderOptions,
  { files }: StoredWeights,
  build: (places: Omit<WeightPlaces, 'folder'>) => EncoderGraph,
): Promise<OnnxSession> {
  const load = async (quantizedPath: string | undefined) => {
    const externalDataFolder = commonFolder(quantizedPath ? [...files, quantizedPath] : files);
    const locate = (path: string) => relative(externalDataFolder, path);
    const { model, quantizationJobs, plainTensors } = build({ locate, quantizedPath });
    if (quantizedPath) await writeQuantizedWeights(quantizedPath, quantizationJobs, plainTensors);
    return createSession(model, { device, externalDataFolder, ...(threads ? { threads } : {}) });
  };
  if (precision === 'float32') return load(undefined);
  if (device !== 'cpu') throw messages.precisionOnDevice(precision);
  return withScratch(await realpath(tmpdir()), 'lanceflow-int8', (scratch) => load(join(scratch, 'weights')));
}

async function requireFolder(folder: string): Promise<void> {
  const info = await stat(folder).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') throw messages.missingModel(folder);
    throw error;
  });
  if (!info.isDirectory()) throw messages.modelNotAFolder(folder);
}

/** Reads config.json of a model folder. @throws DataError if it is missing, or no JSON object */
export async function readConfig(folder: string): Promise<ModelConfig> {
  const document = await readDocument(join(folder, 'config.json')).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    throw messages.missingModelFile(folder, 'config.json');
  });
  return ModelConfig.parse(document.path, textOf(document));
}

type Conventions = Required<
  Pick<
    ModelFolderOptions,
    'pooling' | 'hiddenState' | 'maxResidues' | 'long' | 'precision' | 'unknownLetters' | 'trailingStop'
  >
> & {
  windowOverlap: number;
};

function resolveConventions(
  { name, defaults, tokenLimit }: Architecture,
  config: ModelConfig,
  tokenizer: Tokenizer,
  options: ModelFolderOptions,
): Conventions {
  const limit = Math.min((tokenLimit(config) ?? Number.POSITIVE_INFINITY) - specialTokens(tokenizer), MAX_RESIDUES);
  if (limit < 1) throw messages.tooFewPositions(config.path);
  const maxResidues = options.maxResidues ?? Math.min(defaults.maxResidues, limit);
  if (!Number.isSafeInteger(maxResidues) || maxResidues < 1) throw messages.wrongMaxLength(maxResidues);
  if (maxResidues > limit) throw messages.maxLengthTooLarge(maxResidues, name, limit);
  const { pooling = 'mean' } = options;
  if (pooling === 'cls' && tokenizer.prefix.length === 0) throw messages.noFirstToken(name);
  return {
    pooling,
    hiddenState: options.hiddenState ?? defaults.hiddenState,
    long: options.long ?? 'truncate',
    precision: options.precision ?? 'float32',
    unknownLetters: options.unknownLetters ?? 'unk',
    trailingStop: options.trailingStop ?? 'drop',
    maxResidues,
    // A quarter, so that residues near the end of a window have context in the next one.
    windowOverlap: Math.floor(maxResidues / 4),
  };
}

function specialTokens({ prefix, suffix }: Tokenizer): number {
  return prefix.length + suffix.length;
}

function describe(
  { name, defaults, sizeFields }: Architecture,
  config: ModelConfig,
  hash: string,
  { pooling, hiddenState, long, maxResidues, windowOverlap, precision, unknownLetters, trailingStop }: Conventions,
): ShardAttributes {
  // The name of the model includes unusual conventions, because vectors made with different conventions cannot be compared.
  const unusual = [pooling, hiddenState].filter((choice) => choice !== 'mean' && choice !== defaults.hiddenState);
  return {
    model: [`${name}-${config.size(sizeFields.dimension)}x${config.size(sizeFields.layers)}`, ...unusual].join(' '),
    model_hash: hash,
    architecture: name,
    pooling,
    hidden_state: hiddenState,
    truncation: long,
    max_length: maxResidues,
    unknown_letters: unknownLetters,
    trailing_stop: trailingStop,
    precision,
    // Integer arithmetic is exact on every processor, so vectors of two machines can be compared.
    ...(precision === 'int8' ? { weight_rounding: WEIGHT_ROUNDING } : {}),
    ...(long === 'windows' ? { window_overlap: windowOverlap } : {}),
  };
}

/** Returns the deepest common folder. Links may lead out of the model folder, as in download caches. */
function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!);
  while (paths.some((path) => relative(folder, path).startsWith('..'))) folder = dirname(folder);
  return folder;
}
