import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import { cacheLimits } from '../../lance/cache-limits.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import { chooseSettings } from '../plan/choose-plan.ts';
import { searchK } from '../search-request.ts';
import type { AskSettings } from './ask-settings.ts';

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

// Measured by `bench/ask/handler.ts` on 300,000 x 960 rows: peaks of 308 MB to 1.7 GB for 10 to 50,000 neighbours, 20 to 547 probes and up to 8
// queries, from which these terms differ by 20% at most.
/** Process, engine, an open table, and buffers of requests. */
const BASE_BYTES = 460e6;
/** Copies of the vectors that are rescored at once, and of those of the neighbours that remain. */
const RESCORED_COPIES = 1.1;
const NEIGHBOUR_COPIES = 2.4;
/** Bytes of a found neighbour until the answer is written: its ids twice, its distance. */
const HIT_BYTES = 100;
/** Queries that are searched at once: search/engine/ann.ts. */
const IN_FLIGHT = 4;
/** Rows that are read for each that is rescored: ranges are joined over short gaps (reads/sparse-data.ts). */
export const ROWS_READ = 1.5;
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
  const readOfQuery = codeBytes + Math.min(probedRows, ROWS_READ * rescored) * vectorBytes;
  // Queries share what they read.
  const readBytes = Math.min(entry.bytes, queryCount * readOfQuery);
  const centroidBytes = partitions * dimension * 4;
  const requests = queryCount * (probes + (rescored * vectorBytes) / 2 ** 21);
  const atOnce = Math.min(queryCount, IN_FLIGHT);
  const copies = RESCORED_COPIES * rescored + NEIGHBOUR_COPIES * k;
  const reading = Math.max(readBytes / FUNCTION_BYTES_PER_SECOND, requests / REQUESTS_PER_SECOND);
  const computing = (queryCount * readOfQuery) / (BYTES_PER_CORE_SECOND * (memoryMb / MB_PER_CORE));
  return {
    diskBytes: readBytes + centroidBytes,
    memoryBytes:
      BASE_BYTES +
      3 * centroidBytes +
      Math.min(cacheLimits(memoryMb * 2 ** 20).index, rows * codeBytesOf(entry), queryCount * codeBytes) +
      atOnce * copies * vectorBytes +
      queryCount * k * HIT_BYTES,
    seconds: START_SECONDS + Math.max(reading, computing),
  };
}

/** Returns the bytes of a row in the index, with its row id. */
function codeBytesOf({ dimension, index }: Entry): number {
  return (index.kind === 'ivf-pq' ? (index.subVectors ?? 0) : dimension / 8 + 8) + 8;
}
