import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import { cacheLimits } from '../../lance/cache-limits.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import { chooseSettings } from '../plan/choose-plan.ts';
import { searchK } from '../search-request.ts';
import type { AskSettings } from './ask-settings.ts';
import { SPARE_SHARE } from './reads/row-reads.ts';

/** What a search of a bucket on S3 takes, at the most that its settings lead to. */
export interface SearchNeeds {
  /** Read, and kept on disk until the search ends. */
  diskBytes: number;
  memoryBytes: number;
  seconds: number;
}

/** Bytes that a function of AWS Lambda reads a second from S3, an assumption: 600 Mbit. */
export const FUNCTION_BYTES_PER_SECOND = 75e6;
/** Requests that it makes a second, an assumption: 32 at once, of 30 ms. */
const REQUESTS_PER_SECOND = 1000;
/** Memory for each processor of a function. */
export const MB_PER_CORE = 1769;

// Memory was measured by `bench/ask/handler.ts` on 300,000 x 960 rows, for 10 to 50,000 neighbours, 20 to 547 probes and up to 8 queries: peaks of 328 to
// 477 MB where vectors are scored as they are read, and of 308 MB to 1.7 GB where LanceDB rescores them.
/** Process, engine, an open table, and buffers of requests. */
const BASE_BYTES = 460e6;
/** Bytes of a candidate that is scored as it is read: its row id and distance, several times. */
const CANDIDATE_BYTES = 160;
/** Copies of the vectors that LanceDB rescores at once, and of those of the neighbours that remain. */
const RESCORED_COPIES = 1.1;
const NEIGHBOUR_COPIES = 2.4;
/** Bytes of a found neighbour until the answer is written: its ids twice, its distance. */
const HIT_BYTES = 100;
/** Bytes of a request that continues a long range (reads/row-scorer.ts). */
export const REQUEST_BYTES = 2 * 2 ** 20;
/** Queries that are searched at once: search/engine/ann.ts. */
const IN_FLIGHT = 4;
/** Bytes that a processor computes a second: from bench/results/ask.json. */
const BYTES_PER_CORE_SECOND = 50e6;
const START_SECONDS = 1;

type Entry = Pick<CatalogEntry, 'rows' | 'dimension' | 'vectorType' | 'index' | 'partitions' | 'bytes'>;

/**
 * Estimates what a search of a bucket takes.
 * @param memoryMb of the function, in MiB, with which processors come
 */
export function searchNeeds(entry: Entry, settings: AskSettings, queryCount: number, memoryMb: number): SearchNeeds {
  const { rows, dimension, vectorType, index } = entry;
  const vectorBytes = dimension * COMPONENT_BYTES[vectorType];
  const k = Math.min(searchK({ ...settings, maxDistance: settings.maxDistance ?? Number.POSITIVE_INFINITY }), rows);
  const request = { search: 'ann' as const, k, nprobes: settings.nprobes, refineFactor: settings.refineFactor };
  const { nprobes, refineFactor } = chooseSettings({ ...request, targetRecall: undefined }, entry);
  const partitions = Math.max(1, index.partitions);
  // As many partitions as k needs: search/engine/probes-for-rows.ts.
  const probes = Math.min(partitions, Math.max(nprobes, Math.ceil((k * partitions) / rows)));
  const probedRows = Math.min(rows, Math.ceil((probes * rows) / partitions));
  const rescored = Math.min(probedRows, k * refineFactor);
  const codeBytes = probedRows * codeBytesOf(entry);
  const vectors = vectorReads(rescored, probedRows, vectorBytes);
  // Queries share what they read.
  const share = (bytesOfQuery: number) => Math.min(entry.bytes, queryCount * bytesOfQuery);
  const readBytes = share(codeBytes + vectors.bytes);
  const centroidBytes = partitions * dimension * 4;
  const atOnce = Math.min(queryCount, IN_FLIGHT);
  const isScoredWhileRead = vectorType === 'float32';
  const scoringBytes = isScoredWhileRead
    ? CANDIDATE_BYTES * rescored
    : (RESCORED_COPIES * rescored + NEIGHBOUR_COPIES * k) * vectorBytes;
  const reading = Math.max(
    readBytes / FUNCTION_BYTES_PER_SECOND,
    (queryCount * (probes + vectors.requests)) / REQUESTS_PER_SECOND,
  );
  const computing = (queryCount * (codeBytes + vectors.bytes)) / (BYTES_PER_CORE_SECOND * (memoryMb / MB_PER_CORE));
  return {
    diskBytes: (isScoredWhileRead ? share(codeBytes) : readBytes) + centroidBytes,
    memoryBytes:
      BASE_BYTES +
      3 * centroidBytes +
      Math.min(cacheLimits(memoryMb * 2 ** 20).index, rows * codeBytesOf(entry), queryCount * codeBytes) +
      atOnce * scoringBytes +
      queryCount * k * HIT_BYTES,
    seconds: START_SECONDS + Math.max(reading, computing),
  };
}

/**
 * Estimates what a query reads of vectors, at the most: rows that are rescored are taken to lie at random in the partitions that it probes.
 * @param rescored rows @param probed rows
 */
export function vectorReads(
  rescored: number,
  probed: number,
  vectorBytes: number,
): { bytes: number; requests: number } {
  const share = Math.min(1, rescored / probed);
  const spare = Math.min(probed - rescored, SPARE_SHARE * rescored);
  let requests = rescored * (1 - share);
  // The shortest gaps are joined first, each of `gap` rows.
  for (let [gap, left] = [1, spare]; left >= 1 && gap < probed; gap++) {
    const joined = Math.min(rescored * share * (1 - share) ** gap, left / gap);
    requests -= joined;
    left -= joined * gap;
    if (gap * share > 50) break;
  }
  const bytes = (rescored + spare) * vectorBytes;
  return { bytes, requests: Math.max(0, requests) + bytes / REQUEST_BYTES };
}

/** Returns the bytes of a row in the index, with its row id. */
export function codeBytesOf({ dimension, index }: Pick<Entry, 'dimension' | 'index'>): number {
  return (index.kind === 'ivf-pq' ? (index.subVectors ?? 0) : dimension / 8 + 8) + 8;
}
