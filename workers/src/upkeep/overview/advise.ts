import { counted } from '../../base/text/counted.ts';
import { shellWord } from '../../base/text/quote.ts';
import type { TableState } from '../../database/table-change.ts';
import { groupSmall } from '../group-small.ts';
import type { BucketLine } from './bucket-line.ts';
import { type CatalogSummary, changesSince, modelOf } from './summarize-catalog.ts';

/** Something to do for a database. */
export interface Advice {
  /** The command's name; `build` where a bucket must be built again. */
  action: 'adopt' | 'build' | 'compact' | 'evaluate' | 'index-bucket' | 'merge-buckets';
  buckets: string[];
  /** A sentence without its full stop. */
  why: string;
  /** A command line for each call that is needed; empty where only a person can decide. */
  commands: string[];
}

/** Compacting is worth its time once this share of the rows is deleted. */
const DELETED_SHARE = 0.1;
/** Rows from which a table has an order, and a null distribution. */
const ORDERED_ROWS = 1024;
const JUDGED_ROWS = 16;
/** A command line names at most this many buckets. */
const MOST_NAMED = 20;

const is = (count: number) => (count === 1 ? 'is' : 'are');
const has = (count: number) => (count === 1 ? 'has' : 'have');

/** What is wrong with single buckets. */
const FINDINGS: {
  action: Advice['action'];
  concerns: (line: BucketLine) => boolean;
  why: (count: number) => string;
  /** Buckets of one command line; 0: no command helps. */
  perCommand: number;
  /** Further options of the command for a bucket. */
  options?: (line: BucketLine) => string;
}[] = [
  {
    action: 'build',
    concerns: ({ state }) => state?.kind === 'missing',
    why: (count) =>
      `the tables of ${counted(count, 'bucket')} are missing: restore their files, or remove their entries in _catalog/ and build them again`,
    perCommand: 0,
  },
  {
    action: 'adopt',
    concerns: ({ state }) => isChanged(state),
    why: (count) =>
      `other clients changed ${counted(count, 'bucket')}, which searches refuse until the change is taken over`,
    perCommand: 1,
  },
  {
    action: 'adopt',
    concerns: ({ state }) => state?.kind === 'compacted',
    why: (count) =>
      `other clients compacted ${counted(count, 'bucket')}, whose order is lost, so scan reads all vectors; adopt restores it`,
    perCommand: 1,
  },
  {
    action: 'compact',
    concerns: ({ rows, deletedRows }) => rows > 0 && deletedRows >= DELETED_SHARE * (rows + deletedRows),
    why: (count) =>
      `${counted(count, 'bucket')} ${has(count)} at least ${100 * DELETED_SHARE}% deleted rows, which take disk space and are read by searches`,
    perCommand: MOST_NAMED,
  },
  {
    action: 'compact',
    concerns: ({ rows, orderPartitions }) => rows >= ORDERED_ROWS && orderPartitions === 0,
    why: (count) =>
      `${counted(count, 'bucket')} ${has(count)} no order by partitions, so scan reads all vectors; compact orders them`,
    perCommand: MOST_NAMED,
  },
  {
    action: 'index-bucket',
    concerns: ({ rows, hasNullDistances }) => rows >= JUDGED_ROWS && !hasNullDistances,
    why: (count) =>
      `${counted(count, 'bucket')} ${is(count)} without a null distribution, so no search has E-values; index-bucket measures it and keeps the table, but builds the index again where another version built it`,
    perCommand: 1,
    // The default is another kind.
    options: ({ index }) => (index.kind === 'ivf-pq' ? ' --index ivf-pq' : ''),
  },
];

function isChanged(state: TableState | undefined): boolean {
  return state?.kind === 'changed' || state?.kind === 'removed' || state?.kind === 'remade';
}

/**
 * Lists what should be done for a database, and why: what stops searches first.
 * @param uri its address, for command lines
 */
export function adviseOn(uri: string, lines: readonly BucketLine[], summary: CatalogSummary): Advice[] {
  const command = (name: string, options = '') => `bin/lanceflow ${name} --database ${shellWord(uri)}${options}`;
  const found = FINDINGS.flatMap(({ action, concerns, why, perCommand, options }): Advice[] => {
    const concerned = lines.filter(concerns);
    if (concerned.length === 0) return [];
    const commands = chunks(concerned, perCommand).map((own) =>
      command(action, ` --bucket ${namesOf(own).join(' ')}${options?.(own[0]!) ?? ''}`),
    );
    return [{ action, buckets: namesOf(concerned), why: why(concerned.length), commands }];
  });
  const kinds = adviseOnKinds(lines);
  return [
    ...found,
    ...kinds,
    ...adviseOnSize(lines, summary, command),
    // No query can be compared with several kinds.
    ...(kinds.length === 0 ? adviseOnRecall(lines, summary, command) : []),
  ];
}

const namesOf = (lines: readonly BucketLine[]) => lines.map(({ bucket }) => bucket);

function chunks(lines: readonly BucketLine[], size: number): BucketLine[][] {
  const count = size === 0 ? 0 : Math.ceil(lines.length / size);
  return Array.from({ length: count }, (_, i) => lines.slice(i * size, (i + 1) * size));
}

/** No query can be compared with vectors of two models. */
function adviseOnKinds(lines: readonly BucketLine[]): Advice[] {
  const kinds = Map.groupBy(lines, (line) => `${modelOf(line)}, ${line.dimension} components, ${line.metric}`);
  if (kinds.size < 2) return [];
  const named = [...kinds].map(([kind, own]) => `${kind}: ${counted(own.length, 'bucket')}`).join('; ');
  const why = `buckets differ in model, components or metric (${named}), so no query fits all of them: build each kind into a database of its own`;
  return [{ action: 'build', buckets: [], why, commands: [] }];
}

type CommandLine = (name: string, options?: string) => string;

function adviseOnSize(lines: readonly BucketLine[], { bucketSize }: CatalogSummary, command: CommandLine): Advice[] {
  const groups = groupSmall(lines, Math.ceil(bucketSize / 2), bucketSize);
  if (groups.length === 0) return [];
  const buckets = groups.flat().sort();
  const why = `${counted(buckets.length, 'bucket')} with fewer than ${Math.ceil(bucketSize / 2)} vectors can become ${groups.length}: a search takes a task for each`;
  return [
    { action: 'merge-buckets', buckets, why, commands: [command('merge-buckets', ` --bucket-size ${bucketSize}`)] },
  ];
}

function adviseOnRecall(lines: readonly BucketLine[], { recall }: CatalogSummary, command: CommandLine): Advice[] {
  const searched = lines.filter(({ rows }) => rows > 0).length;
  const changes = recall && changesSince(recall);
  if (searched === 0 || changes === '') return [];
  const why = recall ? `${changes} since the recall was measured` : 'the recall of the database was never measured';
  return [{ action: 'evaluate', buckets: [], why, commands: [command('evaluate')] }];
}
