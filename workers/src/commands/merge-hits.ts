import { availableParallelism } from 'node:os';
import { defineCommand } from '../app/command.ts';
import { requireEvalue, requireWhole } from '../app/option-checks.ts';
import { UsageError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';
import { COMPRESSIONS } from '../hits/parquet/table-writer.ts';
import { writeNeighbours } from '../merge/write-neighbours.ts';

/** More reading threads than this would wait for the one thread that writes. */
const MAX_THREADS = 4;

export const command = defineCommand({
  describe:
    "Merges the hits of all buckets into each query's neighbours, and computes their recall from the buckets' ground truth.",
  options: {
    input: { type: 'string', array: true, demandOption: true, describe: 'Hits of search-bucket (Parquet)' },
    k: { type: 'number', demandOption: true, describe: 'Neighbours to keep per query' },
    truth: {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'Ground truth that search-bucket --truth wrote for the same buckets (Parquet), to compute recall@k',
    },
    output: { type: 'string', demandOption: true, describe: 'Neighbours to write (Parquet)' },
    csv: { type: 'string', describe: 'Also write the neighbours as CSV, compressed if the name ends in .gz or .zst' },
    'csv-safe': {
      type: 'boolean',
      default: false,
      describe: "CSV: put ' before ids that begin with = + - @, which spreadsheets would evaluate",
    },
    'max-evalue': {
      type: 'number',
      describe: 'Omit neighbours with a larger E-value: targets that one would expect so near by chance',
    },
    compression: { choices: COMPRESSIONS, default: 'zstd', describe: 'Compression of the Parquet file' },
    work: { type: 'string', describe: 'Folder for temporary files. Default: that of --output' },
    threads: { type: 'number', describe: `Threads that read hits. Default: one per core, at most ${MAX_THREADS}` },
  },
  examples: [
    [
      'merge-hits --input hits/*.parquet --k 10 --output neighbours.parquet --csv neighbours.csv',
      'Write the 10 nearest of all buckets in both formats',
    ],
  ],
  async run(args, context) {
    const threads = args.threads ?? Math.min(MAX_THREADS, availableParallelism());
    requireWhole('k', args.k);
    requireWhole('threads', threads);
    requireEvalue(args.maxEvalue);
    if (args.input.length === 0) throw new UsageError('--input names no file. Name the hits of at least one bucket.');
    return writeNeighbours({ ...args, threads }, context);
  },
  summary: ({ rows, queries, bytes }) =>
    `merge-hits: ${counted(rows, 'neighbour')} of ${counted(queries, 'query')}, ${(bytes / 1e6).toFixed(1)} MB`,
});
