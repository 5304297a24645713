import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { QuerySet } from '../queries/queries.ts';
import { instantiateKernels } from './block-scorer.ts';
import { kernelModule, LANES } from './filters/kernels.ts';
import { createCodeProducts, largestQueryCode } from './filters/products.ts';
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
 * Lays out a search in memory.
 * @param mean approximate mean of all rows; undefined where each block comes with a centre of its own
 */
export async function prepareSearch(
  { metric, dimension }: Pick<CatalogEntry, 'metric' | 'dimension'>,
  queries: Pick<QuerySet, 'count' | 'vectors'>,
  k: number,
  mean: Float32Array | undefined,
  threads: number,
): Promise<PreparedSearch> {
  const buffers = blocksInMemory(threads);
  const arena = new Arena(
    queries.count * vectorBytes(dimension) +
      (mean ? codeBytes(queries.count, dimension) : 0) +
      buffers * blockBytes(dimension) +
      threads * scratchBytes(dimension),
  );
  const module = new WebAssembly.Module(kernelModule());
  const kernels = instantiateKernels(module, arena.memory);
  const vectors = arena.floats(queries.count * dimension);
  vectors.set(queries.vectors);
  const squares = arena.doubles(queries.count);
  for (let query = 0; query < queries.count; query++) {
    const address = vectors.byteOffset + query * dimension * 4;
    squares[query] = kernels.innerProduct(address, address, dimension);
  }
  const limits = arena.floats(queries.count).fill(Number.POSITIVE_INFINITY);
  const shared: SharedSearch = {
    memory: arena.memory,
    module,
    metric,
    k,
    dimension,
    queries: vectors,
    squares,
    limits,
    mean,
    coded: undefined,
  };
  if (mean && queries.count > FEW_QUERIES && dimension % LANES === 0) {
    const codeBuffers = allocateCodeBuffers(
      arena.memory.buffer,
      (bytes) => arena.allocate(bytes),
      queries.count,
      dimension,
    );
    const products = await createCodeProducts(dimension);
    const largest = await largestQueryCode(products, dimension).finally(() => products.close());
    shared.coded = codeQueries(kernels, shared, largest, mean, queries.count, (i) => i, codeBuffers);
  }
  return {
    shared,
    scratchAddresses: Array.from({ length: threads }, () => arena.allocate(scratchBytes(dimension))),
    blockBuffers: Array.from({ length: buffers }, () => arena.floats(BLOCK_ROWS * dimension)),
  };
}
