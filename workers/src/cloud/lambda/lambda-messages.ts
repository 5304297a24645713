import { counted } from '../../base/text/counted.ts';

/** What the state machine does in a state. */
const STATES: Readonly<Record<string, string>> = {
  Embed: 'embedding the sequences',
  Plan: 'planning',
  SearchBuckets: 'searching the buckets',
  SearchManyBuckets: 'searching the buckets',
  Aggregate: 'merging their answers',
};

/** A question that a function cannot answer. */
interface LargeQuestion {
  bucket: string;
  queryCount: number;
  k: number;
  needs: Limits;
  limits: Limits;
  /** Queries that can be asked at once; 0: not even one. */
  most: number;
  /** Whether larger functions could answer it. */
  canDeploy: boolean;
}

interface Limits {
  diskMb: number;
  memoryMb: number;
  seconds: number;
}

/** Texts for users about questions on AWS Lambda. */
export const LAMBDA_MESSAGES = {
  wrongEvent: (step: string, problem: string) => `The event of ${step} is wrong: ${problem}.`,
  outOfTime: (what: string, seconds: number) =>
    `${what}: no answer within ${seconds} s. Ask with a smaller k or fewer queries, or deploy the stack with a larger time limit or more memory.`,
  diskFull: (what: string, parameter: string) =>
    `${what}: the disk of its function is full. Deploy the stack with a larger ${parameter}, or ask with a smaller k or fewer queries.`,
  memoryFull: (what: string, parameter: string) =>
    `${what}: its function lacks memory. Deploy the stack with a larger ${parameter}, or ask with a smaller k or fewer queries.`,
  noVariable: (name: string) => `${name} is not set. Deploy the functions by infra/lanceflow-ask.yaml.`,
  twoSources: 'A question has either "sequences", "vectors" or "stored", and only one of them.',
  wrongLength: (values: number, ids: number, dimension: number) =>
    `"vectors.values" has ${counted(values, 'number')}, but ${counted(ids, 'vector')} of ${counted(dimension, 'component')} have ${ids * dimension}.`,
  wrongQueries: (uri: string, problem: string) => `${uri}: these are no queries: ${problem}.`,
  noQueries: (uri: string) => `${uri}: no such object. Queries are deleted after a day. Ask again.`,
  largeObject: (uri: string, bytes: number, most: number) =>
    `${uri}: it has ${counted(bytes, 'byte')}, but queries have at most ${most}. Ask fewer of them at once.`,
  writtenTwice: (uri: string) => `${uri}: two calls write it at the same time.`,
  noEmbedder: 'This stack embeds no sequences. Ask with vectors, or deploy it with Model.',
  manyBuckets: (count: number, most: number) =>
    `The database has ${counted(count, 'bucket')}, but at most ${most} can be asked at once. Name some, or merge small buckets.`,
  largeQuestion: ({ bucket, queryCount, k, needs, limits, most, canDeploy }: LargeQuestion) =>
    `${bucket}: with k = ${k}, ${counted(queryCount, 'query')} would take about ${needs.diskMb} MB of disk, ${needs.memoryMb} MB of memory and ${needs.seconds} s; SearchDiskMb is ${limits.diskMb}, SearchMemoryMb ${limits.memoryMb}, SearchTimeoutSeconds ${limits.seconds}. ${
      most === 0 ? 'Ask for a smaller k, nprobes or refine factor' : `Ask at most ${most} at once`
    }, ${canDeploy ? 'or deploy the stack with larger ones' : 'or run a campaign: Lambda has no larger functions'}.`,
  longQuestion: (buckets: number, concurrency: number, seconds: number, most: number) =>
    `Searching ${counted(buckets, 'bucket')}, ${concurrency} at once, would take about ${seconds} s, but an execution has ${most}. Ask fewer queries, for a smaller k, or fewer buckets, or deploy the stack with a larger Concurrency.`,
  largeMerge: (hits: number, needed: number, has: number, most: number) =>
    `The buckets would answer with ${counted(hits, 'neighbour')}, whose merge needs about ${needed} MB of disk; AggregateDiskMb is ${has}, and at most ${most}. Ask fewer queries at once, or for a smaller k.`,
  rebuilt: (bucket: string) => `${bucket} was built again after the question was planned. Ask again.`,
  missingPart: (bucket: string, uri: string) => `${bucket}: its answer ${uri} is missing. Ask again.`,
  noPart: (bucket: string) => `${bucket}: it was planned, but has not been searched. Ask again.`,
  extraPart: (bucket: string) => `${bucket}: it has an answer, but it was not planned, or it has two. Ask again.`,
  wrongPart: (bucket: string, uri: string) => `${bucket}: ${uri} is not its answer. Ask again.`,
  failedBucket: (bucket: string, message: string) => (message.includes(bucket) ? message : `${bucket}: ${message}`),
  otherFailures: (first: string, count: number) =>
    count === 0 ? first : `${first} ${counted(count, 'other bucket')} failed too.`,
  endedLate: (error: string) =>
    `its function was ended at its time limit (${error}). Ask with a smaller k or fewer queries, or deploy the stack with a larger time limit or more memory.`,
  endedIn: (state: string, message: string) => `${STATES[state] ?? state}: ${message}`,
  ended: (error: string) =>
    `its function ended before it answered (${error}). It may lack memory: deploy the stack with a larger SearchMemoryMb (AggregateMemoryMb for the merge, EmbedMemoryMb for the embedder), or ask with a smaller k.`,

  // Of `ask --remote`.
  wrongArn: (arn: string) =>
    `--remote ${arn}: it must be the ARN of the state machine of infra/lanceflow-ask.yaml, or of its alias: the output Remote of the stack.`,
  unusedRemotely: (reasons: readonly string[]) =>
    `With --remote, ${reasons.join(', and ')}. Leave ${reasons.length === 1 ? 'it' : 'them'} out.`,
  unusedTimeout: '--timeout has no effect: the stack has a limit of its own, SearchTimeoutSeconds',
  unusedDatabase: '--database is only for --id: the stack has its own',
  unusedModel: '--model is only for sequences',
  unusedColumns:
    '--columns and --format fasta need kept columns, which the functions do not read: write Parquet, then run fetch-columns',
  idNeedsDatabase: 'With --remote, --id reads the vector of the protein on this machine: add --database.',
  largeFasta: (bytes: number, most: number) =>
    `The sequences have ${counted(bytes, 'byte')} as JSON, but the stack embeds at most ${most} of a question. Embed them on this machine: add --model.`,
  started: (execution: string) => `${execution} has started`,
  state: (state: string) => STATES[state] ?? state,
  stopping: (execution: string) => `stopping ${execution}`,
  stopped: (execution: string, status: string) => `${execution}: ${status}. Ask again.`,
  wrongOutput: (execution: string, problem: string) => `${execution}: its output is not an answer: ${problem}.`,
  noCsv: (uri: string) => `${uri}: the answer is missing. Answers are deleted after some days. Ask again.`,
  noAnswer: (count: number, first: string) =>
    `None of the ${counted(count, 'bucket')} answered. The first error: ${first}`,
} as const;
