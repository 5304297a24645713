import { availableParallelism } from 'node:os';
import { alignNeighbours } from '../../align/align-and-write.ts';
import { RANKS } from '../../align/align-query.ts';
import { alignedOutputOptions } from '../../align/aligned-output-options.ts';
import { defineCommand } from '../../app/command.ts';
import { requireWhole } from '../../app/option-checks.ts';
import { databaseOption } from '../../app/shared-options.ts';
import { UsageError } from '../../base/errors.ts';
import { counted } from '../../base/text/counted.ts';
import { parseKeptColumns } from '../../database/catalog/kept-columns.ts';
import { parseQueryRange } from '../../hits/query-range.ts';

export const command = defineCommand({
  describe: 'Aligns queries with their neighbours (Smith-Waterman, BLOSUM62, gaps 11/1), and orders them by alignment',
  options: {
    neighbours: {
      type: 'string',
      demandOption: true,
      describe: 'Neighbours with the column "sequence", of fetch-columns (Parquet)',
    },
    queries: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'The queries: FASTA, or HDF5 with the dataset "sequence"',
    },
    database: databaseOption,
    candidates: { type: 'number', demandOption: true, describe: 'The first neighbours of each query that are aligned' },
    rank: {
      choices: RANKS,
      default: 'distance',
      describe: 'Order of the neighbours: distance, or alignment (the highest bit score first)',
    },
    k: { type: 'number', demandOption: true, describe: 'Neighbours to keep per query' },
    range: {
      type: 'string',
      describe:
        'Align only queries first:end, such as 0:1000, among those of the neighbours. join-neighbours joins the parts',
    },
    ...alignedOutputOptions,
    threads: { type: 'number', describe: 'Threads that align. Default: one per core' },
  },
  examples: [
    [
      'align-neighbours --neighbours neighbours.parquet --queries queries.fasta --database db --candidates 300 --rank alignment --k 10 ' +
        '--output aligned.parquet',
      'Keep the 10 neighbours of each query that align best',
    ],
  ],
  async run(args, context) {
    const threads = args.threads ?? availableParallelism();
    requireWhole('candidates', args.candidates);
    requireWhole('k', args.k);
    requireWhole('threads', threads);
    if (args.queries.length === 0) throw new UsageError('--queries names no file.');
    const columns = args.columns === undefined ? undefined : parseKeptColumns(args.columns);
    const range = args.range === undefined ? undefined : parseQueryRange(args.range);
    return alignNeighbours({ ...args, threads, columns, range }, context);
  },
  summary: ({ rows, queries, aligned }) =>
    `align-neighbours: ${counted(rows, 'neighbour')} of ${counted(queries, 'query')}, ${aligned} with an alignment`,
});
