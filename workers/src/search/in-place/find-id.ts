import type { Progress } from '../../app/progress.ts';
import { decodeFloat16 } from '../../base/bytes/float16.ts';
import { findFirst } from '../../base/concurrency/find-first.ts';
import { damagedBucket } from '../../bucket/open-bucket.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import { explainedByChange, findEntryChange, requireUnchanged } from '../../database/table-state.ts';
import { WantedIds } from '../../ids/wanted-ids.ts';
import { findText } from '../../lance/format/find-text.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import { readQueries } from '../queries/look-up-queries.ts';

const BUCKETS_AT_ONCE = 8;
/** Data files of a bucket; each is read a few pages at a time. */
const FILES_AT_ONCE = 4;

/** A row of the database. */
interface FoundId {
  bucket: string;
  vector: Float32Array;
}

/**
 * Finds a protein by its id: only the id columns are read, by ranges, those of several buckets at once. The newest bucket that has the id
 * counts.
 * @returns undefined if no bucket has it
 * @throws UserError that names the bucket, if one cannot be read or was built again meanwhile
 */
export function findId(
  database: Database,
  entries: readonly CatalogEntry[],
  id: string,
  progress: Progress,
): Promise<FoundId | undefined> {
  const newestFirst = [...entries].sort((a, b) => (a.bucket < b.bucket ? 1 : -1));
  return findFirst(newestFirst, BUCKETS_AT_ONCE, async (entry, signal) => {
    try {
      const vector = await findInBucket(database, entry, id, signal, progress);
      if (vector === undefined) return undefined;
      const change = await findEntryChange(database, entry);
      if (change) throw change;
      return { bucket: entry.bucket, vector };
    } catch (error) {
      signal.throwIfAborted();
      throw damagedBucket(database, entry.bucket, await explainedByChange(database, entry, error));
    }
  });
}

async function findInBucket(
  database: Database,
  entry: CatalogEntry,
  id: string,
  signal: AbortSignal,
  progress: Progress,
): Promise<Float32Array | undefined> {
  const state = await requireUnchanged(database, entry);
  // Files still hold deleted rows.
  const files = state.kind === 'compacted' || entry.deletedRows ? undefined : entry.fragments;
  const found = files && (await findInFiles(database, entry, id, signal, progress));
  if (found !== 'unknown' && files) return found;
  // A table that another client has written, or with deleted rows.
  for await (const { vectors } of readQueries(database, [entry], new WantedIds([id]), progress)) return vectors;
  return undefined;
}

/** @returns the vector of the id; `unknown` if a file has another form than LanceFlow's */
async function findInFiles(
  { tables }: Database,
  { bucket, files, fragments, dimension, vectorType }: CatalogEntry,
  id: string,
  signal: AbortSignal,
  progress: Progress,
): Promise<Float32Array | 'unknown' | undefined> {
  const wanted = Buffer.from(id);
  const sizes = new Map(files.map(({ path, bytes }) => [path, bytes]));
  return findFirst(fragments!, FILES_AT_ONCE, async ({ path, offset }, stopped) => {
    const file = await tables.openFile(`${bucket}.lance/${path}`);
    try {
      const source = { size: sizes.get(path)!, read: file.read.bind(file) };
      const both = AbortSignal.any([signal, stopped]);
      const row = await findText(source, 'id', wanted, { signal: both, onRows: progress.add });
      if (typeof row !== 'number') return row === 'unknown' ? row : undefined;
      const bytes = new Uint8Array(dimension * COMPONENT_BYTES[vectorType]);
      await file.read(bytes, offset + row * bytes.length);
      return decodeVector(bytes, dimension);
    } finally {
      await file.close();
    }
  });
}

/** @param bytes of float32 or float16 components, in the order of this machine's bytes, as Lance stores them */
function decodeVector(bytes: Uint8Array, dimension: number): Float32Array {
  if (bytes.length === dimension * COMPONENT_BYTES.float32) return new Float32Array(bytes.buffer);
  const vector = new Float32Array(dimension);
  decodeFloat16(new Uint16Array(bytes.buffer), vector, dimension);
  return vector;
}
