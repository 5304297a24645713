import { availableParallelism } from 'node:os';
import { defineCommand } from '../app/command.ts';
import { requireWhole } from '../app/option-checks.ts';
import { UsageError } from '../base/errors.ts';
import { COMPRESSIONS, type ParquetCompression } from '../hits/parquet/table-writer.ts';
import { writeNeighbours } from '../merge/write-neighbours.ts';

/** More threads than this wait for the one that writes. */
const MOST_THREADS = 4;

export const command = defineCommand({
  describe: "Merge the buckets' hits into each query's neighbours",
  options: {
    input: { type: 'string', array: true, demandOption: true, describe: 'Hits of search-bucket (Parquet)' },
    k: { type: 'number', demandOption: true, describe: 'Neighbours to keep for each query' },
    truth: {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'What search-bucket --truth wrote for the same buckets: for the recall of the neighbours',
    },
    output: { type: 'string', demandOption: true, describe: 'Neighbours to write (Parquet)' },
    csv: { type: 'string', describe: 'Write them as CSV too; a name that ends in .gz or .zst is compressed' },
    'csv-safe': {
      type: 'boolean',
      default: false,
      describe: "CSV: put ' before ids that begin with = + - @, which spreadsheets would compute",
    },
    compression: { choices: COMPRESSIONS, default: 'zstd', describe: 'Of the Parquet file' },
    work: { type: 'string', describe: 'Folder for temporary files [default: that of --output]' },
    threads: { type: 'number', describe: `Threads that read [default: the cores, at most ${MOST_THREADS}]` },
  },
  examples: [
    [
      'merge-hits --input hits/*.parquet --k 10 --output neighbours.parquet --csv neighbours.csv',
      'The 10 nearest of all buckets, in both formats',
    ],
  ],
  async run(args, context) {
    const threads = args.threads ?? Math.min(MOST_THREADS, availableParallelism());
    requireWhole('k', args.k);
    requireWhole('threads', threads);
    if (args.input.length === 0) throw new UsageError('--input names no file. Name the hits of at least one bucket.');
    const compression = args.compression as ParquetCompression;
    return writeNeighbours({ ...args, compression, threads }, context);
  },
  summary: ({ rows, queries, bytes }) =>
    `merge-hits: ${rows} neighbours of ${queries} queries, ${(bytes / 1e6).toFixed(1)} MB`,
});
