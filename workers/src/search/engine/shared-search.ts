import { LANES } from '../../base/wasm/simd.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { QuerySet } from '../queries/queries.ts';
import { instantiateKernels } from './block-scorer.ts';
import { kernelModule } from './filters/kernels.ts';
import { loadCodeProducts } from './filters/products.ts';
import { allocateCodeBuffers, codeQueries } from './filters/query-codes.ts';
import type { SharedSearch } from './filters/shared-queries.ts';
import { BLOCK_ROWS, blockBytes, blocksInMemory, codeBytes, FEW_QUERIES, scratchBytes, vectorBytes } from './memory.ts';

const PAGE_BYTES = 65536;

/** Allocates parts of the memory that the threads of a search share. */
class Arena {
  readonly memory: WebAssembly.Memory;
  #at = 64; // no array lies at 0

  constructor(bytes: number) {
    const pages = Math.ceil((bytes + 2 * PAGE_BYTES) / PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  }

  allocate(bytes: number): number {
    const from = this.#at;
    this.#at += Math.ceil(bytes / 64) * 64;
    return from;
  }

  floats(count: number): Float32Array {
    return new Float32Array(this.memory.buffer, this.allocate(4 * count), count);
  }

  doubles(count: number): Float64Array {
    return new Float64Array(this.memory.buffer, this.allocate(8 * count), count);
  }
}

export interface PreparedSearch {
  shared: SharedSearch;
  /** Address of each thread's scratch memory. */
  scratchAddresses: number[];
  /** Buffers for blocks of rows: [BLOCK_ROWS, D]. */
  blockBuffers: Float32Array[];
}

/**
 * Allocates the memory of a search, without queries.
 * @param mean approximate mean of all rows; undefined if each block has its own centre
 */
function allocateSearch(
  { metric, dimension }: Pick<CatalogEntry, 'metric' | 'dimension'>,
  queryCount: number,
  k: number,
  mean: Float32Array | undefined,
  threads: number,
): { search: PreparedSearch; arena: Arena } {
  const buffers = blocksInMemory(threads);
  const arena = new Arena(
    queryCount * vectorBytes(dimension) +
      (mean ? codeBytes(queryCount, dimension) : 0) +
      buffers * blockBytes(dimension) +
      threads * scratchBytes(dimension),
  );
  const shared: SharedSearch = {
    memory: arena.memory,
    module: new WebAssembly.Module(kernelModule()),
    metric,
    k,
    dimension,
    queries: arena.floats(queryCount * dimension),
    squares: arena.doubles(queryCount),
    limits: arena.floats(queryCount).fill(Number.POSITIVE_INFINITY),
    mean,
    coded: undefined,
  };
  const scratchAddresses = Array.from({ length: threads }, () => arena.allocate(scratchBytes(dimension)));
  const blockBuffers = Array.from({ length: buffers }, () => arena.floats(BLOCK_ROWS * dimension));
  return { search: { shared, scratchAddresses, blockBuffers }, arena };
}

/** Lays out a search whose queries have yet to be loaded, by `loadQueries`, and whose blocks come with centres of their own. */
export function prepareScan(
  entry: Pick<CatalogEntry, 'metric' | 'dimension'>,
  queryCount: number,
  k: number,
  threads: number,
): PreparedSearch {
  return allocateSearch(entry, queryCount, k, undefined, threads).search;
}

/** Loads queries [first, end) of a search. @param vectors of all queries */
export function loadQueries(shared: SharedSearch, vectors: Float32Array, first: number, end: number): void {
  const { dimension, queries, squares } = shared;
  queries.set(vectors.subarray(first * dimension, end * dimension), first * dimension);
  const { innerProduct } = instantiateKernels(shared.module, shared.memory);
  for (let query = first; query < end; query++) {
    const address = queries.byteOffset + query * dimension * 4;
    squares[query] = innerProduct(address, address, dimension);
  }
}

/**
 * Lays out a search in memory, with its queries.
 * @param mean as for `allocateSearch`
 * @param largestCode finds the largest code of a query
 */
export async function prepareSearch(
  entry: Pick<CatalogEntry, 'metric' | 'dimension'>,
  { count, vectors }: Pick<QuerySet, 'count' | 'vectors'>,
  k: number,
  mean: Float32Array | undefined,
  threads: number,
  largestCode: () => Promise<number> = () => findLargestCode(entry.dimension),
): Promise<PreparedSearch> {
  const { search, arena } = allocateSearch(entry, count, k, mean, threads);
  const { shared } = search;
  const { dimension } = shared;
  loadQueries(shared, vectors, 0, count);
  if (!mean || count <= FEW_QUERIES || dimension % LANES !== 0) return search;
  const codeBuffers = allocateCodeBuffers(arena.memory.buffer, (bytes) => arena.allocate(bytes), count, dimension);
  const kernels = instantiateKernels(shared.module, shared.memory);
  shared.coded = codeQueries(kernels, shared, await largestCode(), mean, count, (i) => i, codeBuffers);
  return search;
}

async function findLargestCode(dimension: number): Promise<number> {
  const { products, largestCode } = await loadCodeProducts(dimension);
  await products.close();
  return largestCode;
}
