import type { CatalogEntry } from '../../core/catalog.ts';
import { boundQueries } from '../../core/search/filter-bounds.ts';
import { kernelModule, LANES, ROW_NUMBERS } from '../../core/search/kernels.ts';
import { BLOCK_ROWS, blockBytes, blocksInMemory, scoringBytes, scratchBytes } from '../../core/search/memory.ts';
import { instantiateKernels, type QueryCodes, type SharedSearch } from './block-scorer.ts';
import { createCodeProduct, largestQueryCode } from './code-product.ts';
import type { QuerySet } from './queries.ts';

const PAGE_BYTES = 65536;

/** Hands out parts of the memory that the threads of a search share. */
class Arena {
  readonly memory: WebAssembly.Memory;
  #at = 64; // no array lies at 0

  constructor(bytes: number) {
    const pages = Math.ceil((bytes + 2 * PAGE_BYTES) / PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  }

  take(bytes: number): number {
    const from = this.#at;
    this.#at += Math.ceil(bytes / 64) * 64;
    return from;
  }

  floats(count: number): Float32Array {
    return new Float32Array(this.memory.buffer, this.take(4 * count), count);
  }

  doubles(count: number): Float64Array {
    return new Float64Array(this.memory.buffer, this.take(8 * count), count);
  }
}

export interface PreparedSearch {
  shared: SharedSearch;
  /** Room for the scratch of each thread. */
  scratches: number[];
  /** Rooms for blocks: [BLOCK_ROWS, D]. */
  rooms: Float32Array[];
}

/** Lays out a search in memory and quantizes its queries. @param mean what rows have in common, roughly */
export async function prepareSearch(
  { metric, dimension }: Pick<CatalogEntry, 'metric' | 'dimension'>,
  queries: QuerySet,
  k: number,
  mean: Float32Array,
  threads: number,
): Promise<PreparedSearch> {
  const roomCount = blocksInMemory(threads);
  const arena = new Arena(
    queries.count * scoringBytes(dimension) +
      roomCount * blockBytes(dimension) +
      threads * scratchBytes(dimension) +
      (4 + LANES) * dimension * 4,
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
    filter: undefined,
  };
  if (dimension % LANES === 0) shared.filter = await encodeQueries(arena, shared, mean);
  return {
    shared,
    scratches: Array.from({ length: threads }, () => arena.take(scratchBytes(dimension))),
    rooms: Array.from({ length: roomCount }, () => arena.floats(BLOCK_ROWS * dimension)),
  };
}

async function encodeQueries(arena: Arena, shared: SharedSearch, ownMean: Float32Array): Promise<QueryCodes> {
  const { metric, dimension, queries, squares, module, memory } = shared;
  const kernels = instantiateKernels(module, memory);
  const count = squares.length;
  const mean = arena.floats(dimension);
  mean.set(ownMean);
  const codes = new Int8Array(memory.buffer, arena.take((count + LANES) * dimension), (count + LANES) * dimension);
  const numbers = arena.floats(count * ROW_NUMBERS);
  const room = arena.floats(dimension);
  const product = await createCodeProduct(dimension);
  const largest = await largestQueryCode(product, dimension).finally(() => product.close());
  kernels.quantize(
    queries.byteOffset,
    count,
    dimension,
    mean.byteOffset,
    room.byteOffset,
    codes.byteOffset,
    numbers.byteOffset,
    0,
    largest,
    0,
  );
  const bases = arena.doubles(count);
  for (let query = 0; query < count; query++) {
    const address = queries.byteOffset + query * dimension * 4;
    bases[query] =
      metric === 'l2'
        ? kernels.squaredDifference(address, mean.byteOffset, dimension)
        : kernels.innerProduct(address, mean.byteOffset, dimension);
  }
  const meanLength = Math.sqrt(kernels.innerProduct(mean.byteOffset, mean.byteOffset, dimension));
  return { metric, dimension, meanLength, mean, codes, bases, ...boundQueries(numbers, dimension) };
}
