import { concatenateFloats } from '../base/bytes/concatenate-floats.ts';
import { columnTexts } from '../base/bytes/utf8-column.ts';
import { UsageError } from '../base/errors.ts';
import { findStats } from '../base/missing-files.ts';
import { readFasta } from '../fasta/fasta.ts';
import { describeRecord, type FastaBatch } from '../fasta/fasta-batch.ts';
import { FastaParser } from '../fasta/fasta-parser.ts';
import type { ShardAttributes } from '../shard/shard.ts';
import { describeBadEmbedding, findBadEmbedding } from '../vectors/vector-check.ts';
import { badVector, modelOfDatabase, noModel, sequenceIsFile } from './embed-messages.ts';
import type { Embedder } from './embedder.ts';
import { loadEmbedder } from './load-embedder.ts';
import type { ModelFolderOptions } from './transformer/model-folder.ts';

/** Sequences to embed: a text, bare or FASTA, or FASTA files. */
export type SequenceSource = { kind: 'text'; text: string } | { kind: 'files'; paths: readonly string[] };

/** The id of a sequence without a header. */
const BARE_ID = 'query';
const BATCH = { records: 64, residues: 32_768 };

/** Vectors in memory. */
export interface EmbeddedQueries {
  source: string;
  ids: string[];
  dimension: number;
  /** [ids, D] */
  vectors: Float32Array;
  attributes: ShardAttributes;
}

/**
 * Embeds a few sequences in memory, with the conventions of a database: its pooling, truncation and precision.
 * @param model `--model`; default: `kmer` where the database was embedded by it
 * @param database attributes of the database's model
 * @param most sequences; one more is read at most
 * @param allowNucleotide see FastaOptions
 * @throws UsageError without a model; DataError for wrong FASTA or a vector that cannot be searched
 */
export async function embedQueries(
  source: SequenceSource,
  model: string | undefined,
  database: ShardAttributes,
  most: number,
  allowNucleotide = false,
): Promise<EmbeddedQueries> {
  const name = model ?? (database.model === 'kmer' ? 'kmer' : undefined);
  if (name === undefined)
    throw new UsageError(database.model === undefined ? noModel : modelOfDatabase(database.model));
  if (source.kind === 'text' && (await findStats(source.text).catch(() => undefined))?.isFile())
    throw new UsageError(sequenceIsFile(source.text));
  await using embedder = await loadEmbedderFor(name, database);
  return await embedSource(source, embedder, most, allowNucleotide);
}

/** Loads a model with the conventions of a database. The caller disposes of it. @throws as loadEmbedder */
export async function loadEmbedderFor(name: string, database: ShardAttributes): Promise<Embedder & AsyncDisposable> {
  const embedder = await loadEmbedder(name, name === 'kmer' ? {} : conventionsOf(database));
  return Object.assign(embedder, { [Symbol.asyncDispose]: () => embedder.close() });
}

/** Embeds a few sequences in memory by a loaded model. @throws DataError for wrong FASTA or a vector that cannot be searched */
export async function embedSource(
  source: SequenceSource,
  embedder: Embedder,
  most: number,
  allowNucleotide = false,
): Promise<EmbeddedQueries> {
  const ids: string[] = [];
  const parts: Float32Array[] = [];
  for await (const [where, batch] of batchesOf(source, embedder, allowNucleotide)) {
    const vectors = await embedder.embed(batch.sequences);
    requireGood(vectors, embedder, where, batch);
    ids.push(...columnTexts(batch.ids));
    parts.push(vectors);
    if (ids.length > most) break;
  }
  const { dimension, attributes } = embedder;
  const described = source.kind === 'text' ? 'the sequence' : source.paths.join(', ');
  return { source: described, ids, dimension, vectors: concatenateFloats(parts), attributes };
}

async function* batchesOf(source: SequenceSource, { trailingStop = 'drop' }: Embedder, allowNucleotide: boolean) {
  const limits = { ...BATCH, trailingStop, allowNucleotide };
  if (source.kind === 'files') {
    for (const path of source.paths) for await (const batch of readFasta(path, limits)) yield [path, batch] as const;
    return;
  }
  const name = 'the sequence';
  const { text } = source;
  const bytes = Buffer.from(text.trimStart().startsWith('>') ? text.trimStart() : `>${BARE_ID}\n${text}\n`);
  const parser = new FastaParser(name, limits);
  for (let at = 0; at < bytes.length; ) {
    at = parser.push(bytes, at);
    const batch = parser.isFull ? parser.take() : undefined;
    if (batch) yield [name, batch] as const;
  }
  parser.end();
  const last = parser.take();
  if (last) yield [name, last] as const;
}

function requireGood(vectors: Float32Array, { dimension, attributes }: Embedder, where: string, batch: FastaBatch) {
  const bad = findBadEmbedding(vectors, batch.sequences.length, dimension);
  if (!bad) return;
  throw badVector(describeBadEmbedding(bad, `${where}: ${describeRecord(batch, bad.row)}`, attributes.precision));
}

/** Returns the options of a model that made vectors with these attributes; the defaults of the model where they are unknown. */
function conventionsOf(attributes: ShardAttributes): ModelFolderOptions {
  const { pooling, hidden_state, truncation, max_length, unknown_letters, trailing_stop, precision } = attributes;
  const known = {
    ...{ pooling, hiddenState: hidden_state, long: truncation, maxResidues: max_length, precision },
    ...{ unknownLetters: unknown_letters, trailingStop: trailing_stop },
  };
  // Attributes of other tools may have other values; the model's identity is compared later.
  return 'architecture' in attributes
    ? (Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) as ModelFolderOptions)
    : {};
}
