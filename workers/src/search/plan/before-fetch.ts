import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import { DEFAULT_REFINE_FACTOR, defaultNprobes, possibleWays, type SearchRequest, type Way } from './choose.ts';
import { estimateCosts } from './cost.ts';

/** What is usual, where nothing can be measured yet: of a core, and of a node's network and disk (docs/search-benchmark.md). */
const FLOPS_PER_CORE = 1e11;
const ROW_SECONDS_A_COMPONENT = 1e-9;
const FEW_ROW_SECONDS_A_COMPONENT = 2e-10;
const QUERY_BLOCK_SECONDS_A_COMPONENT = 2e-9;
const DISTANCE_SECONDS_A_COMPONENT = 3e-10;
const INDEX_BYTES_PER_CORE = 4e8;
const QUERY_SECONDS = 2e-3;
const READ_BYTES_PER_SECOND = 2e9;
const FETCH_BYTES_PER_SECOND = 1e9;

type Bucket = Pick<CatalogEntry, 'rows' | 'dimension' | 'vectorType' | 'index' | 'partitions' | 'files'>;

/**
 * Where LanceFlow is to choose how to search a table that must be fetched first: whether by the index, or otherwise. From the
 * catalog alone, so that no more is fetched than the chosen way needs, and the same after a kill.
 * @returns the ways that remain; undefined where nothing is to be chosen
 */
export function waysBeforeFetch(
  request: SearchRequest & { truth: boolean },
  bucket: Bucket,
  queryCount: number,
  cores: number,
): Way[] | undefined {
  const { ways } = possibleWays(request, bucket);
  // A recall is measured against an exact search, which needs the vectors in any case.
  if (!ways.includes('ann') || ways.length === 1 || request.targetRecall !== undefined) return undefined;
  const sizeOf = (folder: string) =>
    bucket.files.filter(({ path }) => path.startsWith(folder)).reduce((sum, { bytes }) => sum + bytes, 0);
  const [dataBytes, indexBytes] = [sizeOf('data/'), sizeOf('_indices/')];
  const idBytes = Math.max(0, dataBytes - bucket.rows * bucket.dimension * COMPONENT_BYTES[bucket.vectorType]);
  const needsVectors = request.truth || (request.refineFactor ?? DEFAULT_REFINE_FACTOR) > 0;

  const probedOf = (partitions: number) => Math.min(request.nprobes ?? defaultNprobes(partitions), partitions);
  const probedShare = probedOf(bucket.index.partitions) / Math.max(1, bucket.index.partitions);
  const rates = {
    flopsPerSecond: cores * FLOPS_PER_CORE,
    rowSeconds: (bucket.dimension * ROW_SECONDS_A_COMPONENT) / cores,
    fewFlopsPerSecond: cores * FLOPS_PER_CORE,
    fewRowSeconds: (bucket.dimension * FEW_ROW_SECONDS_A_COMPONENT) / cores,
    queryBlockSeconds: (bucket.dimension * QUERY_BLOCK_SECONDS_A_COMPONENT) / cores,
    distanceSeconds: (bucket.dimension * DISTANCE_SECONDS_A_COMPONENT) / cores,
    readBytesPerSecond: READ_BYTES_PER_SECOND,
    annQueriesPerSecond: cores / (QUERY_SECONDS + (probedShare * indexBytes) / INDEX_BYTES_PER_CORE),
  };
  const fetched = (way: Way) => (way === 'ann' ? indexBytes + (needsVectors ? dataBytes : idBytes) : dataBytes);
  const nprobes = probedOf(bucket.partitions?.count ?? 1);
  const [quickest] = estimateCosts(bucket, { queryCount, k: request.k, nprobes }, rates)
    .filter(({ way }) => ways.includes(way))
    .map(({ way, seconds }) => ({ way, seconds: seconds + fetched(way) / FETCH_BYTES_PER_SECOND }))
    .sort((a, b) => a.seconds - b.seconds);
  // Which of the others is quickest is measured when the table is there: they need the same.
  return quickest!.way === 'ann' ? ['ann'] : ways.filter((way) => way !== 'ann');
}
