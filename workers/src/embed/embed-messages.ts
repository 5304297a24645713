// Messages of embedding for users: the option, file or sequence, the problem, and what to do. Documents of a model: transformer/.

import { DataError, TransientError, UsageError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';

// Options

export const emptyModel = '--model is empty: pass "kmer" or the folder of a model.';
export const kmerOptions = '--model kmer has no model options: remove them, or name the folder of a model.';
export const kmerPrecision = '--compare-precision is for language models; kmer has one precision.';
export const kmerCache = '--cache and --checkpoints are for language models: kmer computes faster than they are read.';
export const missingOutput = '--output is missing or empty: name the shard to write.';

export function describedStream(output: string): string {
  return `--description describes a file, but --output ${output} is a pipe or a device. Write the shard to a file.`;
}

export function precisionOnDevice(precision: string): UsageError {
  return new UsageError(`--precision ${precision} is for --device cpu.`);
}

export function wrongMaxLength(maxResidues: number): UsageError {
  return new UsageError(`--max-length must be a whole number of residues from 1, not ${maxResidues}.`);
}

/** @param name of the architecture @param limit of its residues */
export function maxLengthTooLarge(maxResidues: number, name: string, limit: number): UsageError {
  return new UsageError(
    `--max-length ${maxResidues}: this ${name} accepts at most ${counted(limit, 'residue')}; --long windows covers longer sequences.`,
  );
}

/** @param name of the architecture */
export function noFirstToken(name: string): UsageError {
  return new UsageError(`--pooling cls: this ${name} has no token before the residues. Use --pooling mean.`);
}

export const noModel =
  'The database does not say which model embedded it. Name it: --model kmer, or --model and a folder.';

export function modelOfDatabase(model: string | number): string {
  return `The database was embedded by ${model}. Name its folder: --model FOLDER.`;
}

export function sequenceIsFile(path: string): string {
  return `${path} is a file, not a sequence. Name it with --input.`;
}

// Sequences

/** @param where file, record and id @param position from 1 */
export function unknownLetter(where: string, letter: string, position: number): DataError {
  return new DataError(
    `${where}: the model does not know the letter "${letter}" at position ${position} of its sequence. ` +
      'Remove the record, or omit --unknown-letters refuse to replace the letter with <unk>.',
  );
}

/** @param problem the sequence and its vector */
export function badVector(problem: string): DataError {
  return new DataError(`${problem}.`);
}

// Model folders

export function missingModel(folder: string): DataError {
  return new DataError(`${folder}: no such model folder.`);
}

export function modelNotAFolder(folder: string): DataError {
  return new DataError(`${folder}: not a folder. A model is a folder with config.json, tokenizer and weights.`);
}

export function missingModelFile(folder: string, name: string): DataError {
  return new DataError(
    `${folder}: no ${name}. A model folder has config.json, the tokenizer's file and model.safetensors.`,
  );
}

export function tooFewPositions(configPath: string): DataError {
  return new DataError(`${configPath}: the model has too few positions to embed a residue.`);
}

export function modelChanged(uri: string): TransientError {
  return new TransientError(`${uri}: the model was changed while it was fetched. Run the same command again.`);
}

// Caches

export function wrongMost(most: string): string {
  return `--most must be a size such as 500GB, not ${most}.`;
}

export function noCache(folder: string): DataError {
  return new DataError(
    `${folder}: no such folder. --embedding-cache names the folder that runs print, "embeddings" beside work/.`,
  );
}

export function cacheRemoved(folder: string): TransientError {
  return new TransientError(`${folder}: another process keeps removing this folder. Run the same command again.`);
}
