import type { MachineType, PriceTable } from './machines/price-table.ts';

/** FASTA files to embed. */
export interface FastaInputs {
  files: number;
  /** Files that are divided first, and the tasks that embed: small files, and parts of large ones. */
  largeFiles: number;
  tasks: number;
  /** Share of the longest task in all residues. */
  largestShare: number;
  bytes: number;
  sequences: number;
  residues: number;
  /** Mean bytes of an id, and of a header's other text. */
  idBytes: number;
  descriptionBytes: number;
}

/** The model that embeds. */
export interface ForecastModel {
  /** `kmer`, or the folder. */
  name: string;
  dimension: number;
  /** Floating-point operations of a sequence of `tokens` tokens; absent for kmer. */
  flopsOf?: (tokens: number) => number;
  /** Residues after which sequences are cut or divided. */
  maxResidues?: number;
}

/** Vectors to build tables of. */
export interface VectorInputs {
  shards: number;
  /** Tasks that describe the user's own shards; 0 for embedded ones. */
  describeTasks: number;
  rows: number;
  /** Mean bytes of an id. */
  idBytes: number;
  /** Of the shards' files. */
  bytes: number;
  dimension: number;
  vectorType: 'float32' | 'float16';
}

export interface BuildRequest {
  fasta?: FastaInputs;
  vectors?: VectorInputs;
  dimension: number;
  bucketSize: number;
  /** Of the tables. */
  vectorType: 'float32' | 'float16';
  order: 'partition' | 'none';
  index: 'ivf-rq' | 'ivf-pq';
  keepsSequences: boolean;
}

/** Buckets of one size: of the database, or of the build. */
export interface BucketGroup {
  buckets: number;
  /** Of one bucket. */
  rows: number;
  dimension: number;
  vectorType: 'float32' | 'float16';
  index: 'ivf-rq' | 'ivf-pq' | 'none';
  /** Of the order; 0 for none. */
  partitions: number;
  dataBytes: number;
  indexBytes: number;
}

export interface QueryRequest {
  /** Embedded first, where the queries are FASTA. */
  fasta?: FastaInputs;
  count: number;
  k: number;
  idBytes: number;
}

/** How a bucket is searched, as `auto` would decide. */
export interface SearchForecast {
  strategy: 'ann' | 'scan' | 'exact';
  /** Of one task, quickest first, without fetching the bucket. */
  estimates: readonly { strategy: 'ann' | 'scan' | 'exact'; seconds: number; cpuSeconds: number }[];
  /** Queries of a task. */
  queriesPerTask: number;
  /** Fetched by a task from S3, and read from its disk. */
  fetchedBytes: number;
  readBytes: number;
}

/** Estimates the search of a bucket by a task; search/plan/ has the cost model. */
export type ForecastSearch = (bucket: BucketGroup, queries: number, cores: number) => SearchForecast;

/** Where tasks run. */
export interface Cluster {
  /** Of stages that build and search. */
  machine: MachineType;
  /** Of all other stages. */
  light: MachineType;
  machines: number;
  prices: PriceTable;
  /** Whether tasks copy their inputs and outputs from and to S3. */
  copiesInputs: boolean;
}

/** What a run is asked to do. */
export interface RunRequest {
  build?: BuildRequest;
  model?: ForecastModel;
  /** Finished buckets of the database. */
  existing: readonly BucketGroup[];
  queries?: QueryRequest;
  forecastSearch: ForecastSearch;
  /** The machine whose arithmetic was measured for this plan, and the stages that it concerns. */
  calibrated?: { from: string; commands: readonly string[] };
  /** Whether the database is on S3. */
  isRemote: boolean;
  cluster: Cluster;
}
