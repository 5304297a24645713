import { workerData } from 'node:worker_threads';
import { columnCopy, concatenateColumns, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { textBytes } from '../../base/columns/cells.ts';
import { serveRequests } from '../../base/threads/serve-requests.ts';
import type { ThreadContext } from '../../base/threads/thread-messages.ts';
import type { RowSpan } from '../../bucket/fragment-blocks.ts';
import { OWN_COLUMNS } from '../../lance/format/add-fragments.ts';
import { DataFileWriter, type WrittenDataFile } from '../../lance/format/data-file-writer.ts';
import { KeptColumnsWriter, type WrittenKeptColumns } from '../../lance/format/kept/kept-columns-writer.ts';
import type { ShardAttributes } from '../../shard/shard.ts';
import { type Centroids, isSpherical } from '../../vectors/kmeans.ts';
import type { AssignPlan } from '../assign/assign-plan.ts';
import { sequenceColumn } from '../source-columns.ts';
import type { SamplePart } from '../training-sample.ts';
import { type SampleTask, writeSample } from '../write-sample.ts';
import { CentroidTrainer, type PlanRequest, type TrainingStart } from './centroid-trainer.ts';
import { RowGatherer, type SortedRuns } from './row-gatherer.ts';
import { type Run, RunFiles } from './run-files.ts';
import { columnCount, type HashedBlock, type RowFormat, RunReader, type UnitRequest } from './run-reader.ts';
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
  /** The file of the kept columns, if the bucket has any. */
  keptColumns: (WrittenKeptColumns & { temporary: string; residues: number }) | undefined;
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
    runFiles = new RunFiles(scratch, columnCount(bucket));
    gatherer = new RowGatherer(runFiles, sorted, new Uint8Array(unitBuffer()));
  },

  /** Writes rows [first, end) of the sorted table as a data file. */
  gatherFragment({ first, end }: { first: number; end: number }): WrittenFragment {
    return writeFragment(first, end - first, {
      append(writer) {
        for (const { vectors, ids } of gatherer!.gather(first, end)) writer.append([vectors], [ids]);
      },
      kept: (column) => gatherer!.gatherKept(column, first, end),
    });
  },

  /** Reads a unit and writes its rows in their order as a data file; as several if ids or kept columns are long. */
  async copyUnit(unit: UnitRequest, context: ThreadContext<HashedBlock>): Promise<UnitAnswer<WrittenFragment>> {
    const written: WrittenFragment[] = [];
    const attributes = await openReader().read(unit, {
      hash: (block) => emitBlock(block, context),
      async onBlock() {},
      async take({ firstRow, rows, vectors, columns: [ids = [], ...kept] }) {
        const isStored = bucket.readType === bucket.vectorType;
        const stored = isStored ? vectors : convertVectors(vectors, newComponents(bucket.vectorType, vectors.length));
        const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
        const append = (writer: DataFileWriter) => writer.append([bytes], [concatenateColumns(ids)]);
        written.push(writeFragment(firstRow, rows, { append, kept: (column) => kept[column]! }));
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

/** Requests the hash of a block. Its vectors are in shared memory; its other columns are copied. */
function emitBlock(block: HashedBlock, { emit }: ThreadContext<HashedBlock>): Promise<void> {
  const copies = [block.ids, ...block.kept].map((column) => columnCopy(column));
  const [ids, ...kept] = copies as [Utf8Column, ...Utf8Column[]];
  const transfer = copies.flatMap(({ offsets, bytes }) => [offsets.buffer, bytes.buffer]);
  return emit({ ...block, ids, kept }, transfer);
}

/** The rows of a fragment. */
interface FragmentRows {
  /** Appends vectors and ids. */
  append(writer: DataFileWriter): void;
  /** Returns the rows of a kept column, in pieces. */
  kept(column: number): Iterable<Utf8Column>;
}

function writeFragment(firstRow: number, rows: number, source: FragmentRows): WrittenFragment {
  const temporary = `${firstRow}.unnamed`;
  const written = closingOnError(new DataFileWriter(`${data}/${temporary}`, columns, rows), (writer) => {
    source.append(writer);
    return writer.finish();
  });
  return { ...written, firstRow, temporary, keptColumns: writeKeptColumns(firstRow, rows, source) };
}

function writeKeptColumns(firstRow: number, rows: number, source: FragmentRows): WrittenFragment['keptColumns'] {
  const { kept } = bucket;
  if (kept.length === 0) return undefined;
  const temporary = `${firstRow}.columns.unnamed`;
  const sequences = sequenceColumn(kept);
  let residues = 0;
  const written = closingOnError(new KeptColumnsWriter(`${data}/${temporary}`, kept, OWN_COLUMNS, rows), (writer) => {
    for (const column of kept.keys()) {
      writer.beginColumn();
      for (const cells of source.kept(column)) {
        writer.append(cells);
        if (column === sequences) residues += textBytes(cells);
      }
    }
    return writer.finish();
  });
  return { ...written, temporary, residues };
}

function closingOnError<W extends { close(): void }, T>(writer: W, use: (writer: W) => T): T {
  try {
    return use(writer);
  } catch (error) {
    writer.close();
    throw error;
  }
}
