import { workerData } from 'node:worker_threads';
import { concatenateColumns } from '../../base/bytes/utf8-column.ts';
import { serveRequests } from '../../base/threads/serve-requests.ts';
import type { ThreadContext } from '../../base/threads/thread-messages.ts';
import type { RowSpan } from '../../bucket/fragment-blocks.ts';
import { DataFileWriter, type WrittenDataFile } from '../../lance/format/data-file-writer.ts';
import type { ShardAttributes } from '../../shard/shard.ts';
import { type Centroids, isSpherical } from '../../vectors/kmeans.ts';
import type { AssignPlan } from '../assign/assign-plan.ts';
import type { SamplePart } from '../training-sample.ts';
import { type SampleTask, writeSample } from '../write-sample.ts';
import { CentroidTrainer, type PlanRequest, type TrainingStart } from './centroid-trainer.ts';
import { RowGatherer, type SortedRuns } from './row-gatherer.ts';
import { type Run, RunFiles } from './run-files.ts';
import { type HashedBlock, type RowFormat, RunReader, type UnitRequest } from './run-reader.ts';
import { type SortOrder, UnitSorter } from './unit-sorter.ts';
import { convertVectors, newComponents } from './vector-buffers.ts';

/** What each thread is started with. */
export interface IngestThreadData {
  bucket: RowFormat;
  /** Memory for the vectors of a unit. */
  unitBytes: number;
  /** Folder of the files of runs. */
  scratch: string;
  /** Folder of the table's data files. */
  data: string;
}

/** What was written of a unit. */
export interface UnitAnswer<T> {
  written: T[];
  /** Of its first shard that has any. */
  attributes: ShardAttributes | undefined;
}

/** A data file, and the position of its rows among those of the table. */
export interface WrittenFragment extends WrittenDataFile {
  firstRow: number;
  /** In the folder of data files, until it gets its name. */
  temporary: string;
}

const { bucket, unitBytes, scratch, data } = workerData as IngestThreadData;
const columns = {
  vectors: { name: 'embedding', type: bucket.vectorType, dimension: bucket.dimension },
  texts: ['id'],
};
let buffer: SharedArrayBuffer | undefined;
let reader: RunReader | undefined;
let trainer: CentroidTrainer | undefined;
let sorter: UnitSorter | undefined;
let runFiles: RunFiles | undefined;
let gatherer: RowGatherer | undefined;

const methods = {
  /** Writes a part of the training sample. @returns the lengths of its rows */
  sample: ({ task, path }: { task: SampleTask; path: string }): Promise<Float64Array> =>
    writeSample(task, path, bucket.dimension, isSpherical(bucket.metric)),

  /** Prepares this thread for the calls below, until `endTraining`. */
  startTraining(start: TrainingStart): void {
    trainer = new CentroidTrainer(start, bucket.metric);
  },

  pickCentroids: (centroids: Centroids): void => trainer!.pickCentroids(centroids),

  planAssignment: (request: PlanRequest): Promise<AssignPlan> => trainer!.planAssignment(request),

  startRound: (plan: AssignPlan): Promise<void> => trainer!.startRound(plan),

  assignPart: (part: SamplePart): Promise<void> => trainer!.assignPart(part),

  computeMeans: ({ range, means }: { range: RowSpan; means: Float32Array }): Int32Array =>
    trainer!.computeMeans(range, means),

  endTraining: (): Promise<void> => endTraining(),

  /** Prepares this thread for `sortUnit`. */
  async startSorting(order: SortOrder): Promise<void> {
    sorter = await UnitSorter.create(bucket, scratch, order);
  },

  /** Reads a unit and writes it as runs. Emits blocks of shards that are longer than the unit, for their content hash. */
  sortUnit: (unit: UnitRequest, context: ThreadContext<HashedBlock>): Promise<UnitAnswer<Run>> =>
    sorter!.sort(unit, openReader(), (block) => emitBlock(block, context)),

  /** Prepares this thread for `gatherFragment`. */
  async startGathering(sorted: SortedRuns): Promise<void> {
    await endSorting();
    runFiles = new RunFiles(scratch);
    gatherer = new RowGatherer(runFiles, sorted, new Uint8Array(unitBuffer()));
  },

  /** Writes rows [first, end) of the sorted table as a data file. */
  gatherFragment({ first, end }: { first: number; end: number }): WrittenFragment {
    return writeFragment(first, end - first, (writer) => {
      for (const { vectors, ids } of gatherer!.gather(first, end)) writer.append([vectors], [ids]);
    });
  },

  /** Reads a unit and writes its rows in their order as a data file; as several if ids are long. */
  async copyUnit(unit: UnitRequest, context: ThreadContext<HashedBlock>): Promise<UnitAnswer<WrittenFragment>> {
    const written: WrittenFragment[] = [];
    const attributes = await openReader().read(unit, {
      hash: (block) => emitBlock(block, context),
      async onBlock() {},
      async take({ firstRow, rows, vectors, ids }) {
        const isStored = bucket.readType === bucket.vectorType;
        const stored = isStored ? vectors : convertVectors(vectors, newComponents(bucket.vectorType, vectors.length));
        const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
        written.push(writeFragment(firstRow, rows, (writer) => writer.append([bytes], [concatenateColumns(ids)])));
      },
    });
    return { written, attributes };
  },
};

/** A thread that reads units of a bucket, sorts them, and writes fragments of its table. */
export type IngestThread = typeof methods;

serveRequests<IngestThread>(methods, {
  async onClose() {
    await endTraining();
    await endSorting();
    runFiles?.close();
  },
});

function openReader(): RunReader {
  reader ??= new RunReader(bucket, unitBuffer());
  return reader;
}

/** The memory for the vectors of a unit: read or gathered, one after the other. */
function unitBuffer(): SharedArrayBuffer {
  buffer ??= new SharedArrayBuffer(unitBytes);
  return buffer;
}

async function endTraining(): Promise<void> {
  await trainer?.close();
  trainer = undefined;
}

async function endSorting(): Promise<void> {
  reader?.close();
  reader = undefined;
  await sorter?.close();
  sorter = undefined;
}

/** Requests the hash of a block. Its vectors are in shared memory; its ids are copied. */
function emitBlock(block: HashedBlock, { emit }: ThreadContext<HashedBlock>): Promise<void> {
  const ids = { offsets: block.ids.offsets.slice(), bytes: block.ids.bytes.slice() };
  return emit({ ...block, ids }, [ids.offsets.buffer, ids.bytes.buffer]);
}

function writeFragment(firstRow: number, rows: number, append: (writer: DataFileWriter) => void): WrittenFragment {
  const temporary = `${firstRow}.unnamed`;
  const writer = new DataFileWriter(`${data}/${temporary}`, columns, rows);
  try {
    append(writer);
    return { ...writer.finish(), firstRow, temporary };
  } catch (error) {
    writer.close();
    throw error;
  }
}
