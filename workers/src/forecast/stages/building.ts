/** Packing, ingest and index. Pure. */

import { toModelMachine } from '../machines/price-table.ts';
import { type BucketEstimate, type Build, estimateBucket } from '../model/bucket-estimate.ts';
import { bucketSeconds, type PhaseTime } from '../model/bucket-time.ts';
import { cpuSecondsAt, type RunRates, wallSeconds } from '../rates/run-rates.ts';
import type { BucketGroup, BuildRequest, RunRequest } from '../run-request.ts';
import { requestsOf, type StageWork } from './stage-work.ts';
import { buildDiskBytes, indexCores, ingestCores, placeTasks } from './task-resources.ts';

const COMPONENT_BYTES = { float32: 4, float16: 2 } as const;
/** Below it, k-means has too few rows a centroid, so rows keep their order. */
const LEAST_ORDERED_ROWS = 1024;
/** Below it, an index has too few rows to train: workers/src/index/index-plan.ts. */
const LEAST_INDEXED_ROWS = 256;
/** Phases of a build in a folder: nothing is fetched or published. */
const LOCAL_PHASES = ['ingest', 'index'];

/** What a build's tables have. */
export interface BuildShape {
  rows: number;
  shards: number;
  buckets: number;
  dimension: number;
  shardComponentBytes: number;
  /** Of kept columns and ids, a row of the table. */
  textBytes: number;
}

/** Returns the rows, buckets and bytes a row of a build. */
export function shapeOf({ fasta, vectors, ...build }: BuildRequest, rates: RunRates): BuildShape {
  const embedded = fasta?.sequences ?? 0;
  const rows = embedded + (vectors?.rows ?? 0);
  const texts = fasta && build.keepsSequences ? fasta.residues * rates.bytes.sequenceByteInTable : 0;
  const own = fasta ? fasta.sequences * (fasta.idBytes + (build.keepsSequences ? fasta.descriptionBytes / 2 : 0)) : 0;
  const ids =
    own +
    (vectors
      ? vectors.rows * (vectors.bytes / vectors.rows - vectors.dimension * COMPONENT_BYTES[vectors.vectorType])
      : 0);
  return {
    rows,
    shards: (fasta?.tasks ?? 0) + (vectors?.shards ?? 0),
    buckets: Math.max(1, Math.ceil(rows / build.bucketSize)),
    dimension: build.dimension,
    shardComponentBytes: COMPONENT_BYTES[vectors?.vectorType ?? build.vectorType],
    textBytes: (texts + Math.max(0, ids)) / Math.max(1, rows) + rates.bytes.tableRow,
  };
}

/** Returns the buckets that a build adds. */
export function builtGroup(build: BuildRequest, shape: BuildShape): BucketGroup {
  const rows = Math.ceil(shape.rows / shape.buckets);
  const { vectorBytes, indexBytes } = bytesOfRow(build, rows);
  const isSorted = build.order === 'partition' && rows >= LEAST_ORDERED_ROWS;
  return {
    ...{ buckets: shape.buckets, rows, dimension: build.dimension, vectorType: build.vectorType },
    index: rows < LEAST_INDEXED_ROWS ? 'none' : build.index,
    partitions: isSorted ? Math.floor(Math.sqrt(rows)) : 0,
    ...{ dataBytes: rows * (vectorBytes + shape.textBytes), indexBytes: rows * indexBytes },
  };
}

/** Bytes of a row's vector, and of its codes with its share of the centroids: docs/scale.md, "Sizes". */
function bytesOfRow({ vectorType, dimension, index }: BuildRequest, rows: number) {
  const codes = index === 'ivf-rq' ? dimension / 8 + 16 : dimension / 16 + 8;
  const centroids = (Math.sqrt(rows) * dimension * 4) / rows;
  return {
    vectorBytes: dimension * COMPONENT_BYTES[vectorType],
    indexBytes: rows < LEAST_INDEXED_ROWS ? 0 : codes + centroids,
  };
}

/** Returns the name of the measured steps of a build. */
function measuredBuild({ order, index, vectorType }: BuildRequest, shardComponentBytes: number): Build {
  const isOrdered = order === 'partition';
  return {
    steps: {
      ingest: isOrdered ? 'ingest' : 'ingest-unordered',
      index: index === 'ivf-pq' || !isOrdered ? 'index-pq' : 'index-rq',
    },
    table: vectorType === 'float16' ? 'ivf-rq, float16' : index,
    shardComponentBytes,
  };
}

/** Estimates the phases of one bucket on the share of a machine that its tasks have. @param asked cores of a task; default: of ingest */
export function estimateBuild(
  build: BuildRequest,
  shape: BuildShape,
  request: RunRequest,
  rates: RunRates,
  asked = ingestCores(Math.ceil(shape.rows / shape.buckets), build.dimension),
): BucketEstimate & { disk: number } {
  const rows = Math.ceil(shape.rows / shape.buckets);
  const { machine } = request.cluster;
  const disk = buildDiskBytes(rows, build.dimension, {
    ...{ shardBytes: request.cluster.copiesInputs ? shape.shardComponentBytes : 0 },
    ...{ tableBytes: COMPONENT_BYTES[build.vectorType], isOrdered: build.order === 'partition' },
  });
  const cores = Math.min(machine.cpus, asked);
  const { perMachine: atOnce } = placeTasks(
    machine,
    request.cluster.machines,
    shape.buckets,
    cores,
    request.isRemote ? disk : 0,
  );
  const whole = toModelMachine(machine);
  const part = {
    ...whole,
    cores,
    diskBytesPerSecond: whole.diskBytesPerSecond / atOnce,
    networkBytesPerSecond: whole.networkBytesPerSecond / atOnce,
  };
  return {
    ...estimateBucket(rates.build, part, rows, measuredBuild(build, shape.shardComponentBytes), build.dimension),
    disk,
  };
}

/** Returns the stages of building all buckets. */
export function buildingStages(build: BuildRequest, request: RunRequest, rates: RunRates): StageWork[] {
  const { cluster, isRemote } = request;
  const shape = shapeOf(build, rates);
  const group = builtGroup(build, shape);
  const { buckets, rows } = group;
  const { machine, light, machines } = cluster;
  const { phases, bytes, disk } = estimateBuild(build, shape, request, rates);
  const isOnePass = measuredBuild(build, shape.shardComponentBytes).steps.index === 'index-rq';
  const ofIndex = indexCores(rows, build.dimension, isOnePass);
  const indexed = estimateBuild(build, shape, request, rates, ofIndex);
  const takes = (names: readonly string[]) =>
    (names.includes('index') ? indexed.phases : phases).filter(({ name }) => names.includes(name));
  const secondsOf = (times: readonly PhaseTime[]) => bucketSeconds(times).seconds;
  const ingestPhases = isRemote ? ['fetch shards', 'ingest', 'publish the table'] : LOCAL_PHASES.slice(0, 1);
  const indexPhases = isRemote ? ['index', 'publish the index'] : LOCAL_PHASES.slice(1);
  const cpuOf = (step: string) => rates.commands[step]!.fixed;
  const shards = shape.shards / buckets;
  const shardCpu = shards * (rates.commands['ingest-bucket']!.per.shards ?? 0);
  const dataBytes = buckets * group.dataBytes;
  const indexBytes = buckets * group.indexBytes;
  const shardBytes = buckets * rows * (bytes.shard + shape.textBytes);
  const stage = (
    command: string,
    cores: number,
    seconds: number,
    cpuSeconds: number,
    more: Partial<StageWork>,
  ): StageWork => {
    const asked = Math.min(machine.cpus, cores);
    return {
      ...{
        command,
        tasks: buckets,
        placement: placeTasks(machine, machines, buckets, asked, isRemote ? disk : 0),
      },
      ...{
        isLight: false,
        rows: shape.rows,
        seconds: seconds + cpuOf(command),
        cpuSeconds: cpuSeconds + cpuOf(command),
      },
      ...{ bytesRead: 0, bytesWritten: 0, bytesStored: 0, readRequests: 0, writeRequests: 0, ...more },
    };
  };
  const cpu = (names: readonly string[]) => takes(names).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const pack = rates.commands['pack-buckets']!;
  const packCpu = cpuSecondsAt(pack, { rows: shape.rows, shards: shape.shards });
  const files = Math.ceil(group.dataBytes / 256e6) + 8;
  return [
    {
      ...{ command: 'pack-buckets', tasks: 1, placement: placeTasks(light, machines, 1, 1), isLight: true },
      ...{ seconds: wallSeconds(packCpu, pack, 1), cpuSeconds: packCpu, rows: shape.rows },
      ...{ bytesRead: shape.rows * 24, bytesWritten: 800 * buckets + 250 * shape.shards, bytesStored: 0 },
      ...{ readRequests: 0, writeRequests: isRemote ? buckets : 0 },
    },
    stage(
      'ingest-bucket',
      ingestCores(rows, build.dimension),
      secondsOf(takes(ingestPhases)) + shardCpu,
      cpu(ingestPhases) + shardCpu,
      {
        files: shards,
        ...{ bytesRead: shardBytes, bytesWritten: dataBytes, bytesStored: dataBytes },
        readRequests: cluster.copiesInputs ? requestsOf(shardBytes, shape.shards) : 0,
        writeRequests: isRemote ? buckets * requestsOf(group.dataBytes, files) : 0,
      },
    ),
    stage('index-bucket', ofIndex, secondsOf(takes(indexPhases)), cpu(indexPhases), {
      ...{ bytesRead: dataBytes, bytesWritten: dataBytes + indexBytes, bytesStored: indexBytes },
      readRequests: isRemote ? buckets * 4 : 0,
      writeRequests: isRemote ? buckets * requestsOf(group.indexBytes, 4) : 0,
    }),
  ];
}
