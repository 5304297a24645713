import { defineCommand } from '../app/command.ts';
import { databaseOption } from '../app/shared-options.ts';
import { EXIT } from '../base/errors.ts';
import { embedQueries } from '../embed/embed-queries.ts';
import { askAndWrite, askSummary, loadQueries, openAsked } from '../search/in-place/ask-and-write.ts';
import { checkAskOptions } from '../search/in-place/ask-options.ts';
import { MOST_NEIGHBOURS, MOST_QUERIES } from '../search/in-place/ask-settings.ts';
import { FORMATS } from '../search/in-place/output/answer-format.ts';

export const command = defineCommand({
  describe:
    'Finds the nearest neighbours of a protein, or of a few, in all buckets at once. Buckets on S3 are searched where they lie: nothing ' +
    'is fetched or kept on this machine. The answer is that of search-bucket --search ann and merge-hits. For many queries, ' +
    'run the pipeline: see docs/in-place.md.',
  positional: 'sequence',
  addresses: ['output'],
  options: {
    sequence: {
      type: 'string',
      describe: 'Sequence of a protein; also without the name of the option. - reads standard input',
    },
    input: {
      type: 'array',
      string: true,
      default: [] as string[],
      describe: 'Queries instead of a sequence: FASTA files, or query sets (HDF5 shards)',
    },
    id: { type: 'string', describe: 'Id of a protein in the database, whose stored vector is the query' },
    database: databaseOption,
    model: {
      type: 'string',
      describe: 'Model that embeds sequences: kmer, or a folder. Default: kmer, if it is that of the database',
    },
    k: { type: 'number', default: 10, describe: `Neighbours per query, at most ${MOST_NEIGHBOURS}` },
    nprobes: {
      type: 'number',
      describe: 'Partitions to probe per query in each bucket. Default: 5% of them, at least 20',
    },
    'refine-factor': {
      type: 'number',
      describe: 'Candidates per neighbour that are rescored. Default: 10. 0 reports the distances of the codes',
    },
    'exclude-self': { type: 'boolean', default: false, describe: "Omit the hit that has the query's own id" },
    'max-distance': { type: 'number', describe: 'Omit hits that are farther than this' },
    buckets: { type: 'string', describe: 'Buckets to ask, with commas between. Default: all' },
    concurrency: { type: 'number', default: 8, describe: 'Buckets that are searched at once' },
    timeout: { type: 'number', default: 300, describe: 'Seconds in which each bucket must answer' },
    'allow-partial': {
      type: 'boolean',
      default: false,
      describe: 'Answer without the buckets that fail. The output names them, and the exit code is 75',
    },
    format: { choices: FORMATS, describe: 'Default: by the name of --output; a table on a terminal, csv elsewhere' },
    output: {
      type: 'string',
      describe: 'File to write, or s3://bucket/key: .csv, .csv.gz, .parquet or .jsonl. Default: standard output',
    },
    'csv-safe': { type: 'boolean', default: false, describe: "CSV: put ' before ids that spreadsheets would evaluate" },
  },
  examples: [
    ['ask MKTAYIAKQRQISFVKSHFSRQ --database s3://bucket/proteins --model kmer', 'Print the 10 nearest proteins'],
    ['ask --input proteins.fasta --database db --k 1000 --output near.parquet', 'Write those of a few proteins'],
    ['ask --id P69905 --exclude-self --database db --max-distance 0.1', 'Find what is near a protein of the database'],
    ['ask - --database db --format jsonl < one.fasta | jq .target_id', 'Use it in a pipe'],
  ],

  async run(args, context) {
    const request = await checkAskOptions(args);
    const asked = await openAsked(args.database, request);
    const { queries: source } = request;
    const queries =
      source.kind === 'text' || source.kind === 'files'
        ? await embedQueries(source, args.model, asked.model, MOST_QUERIES)
        : await loadQueries(asked, source, context);
    return askAndWrite(asked, queries, request, context);
  },

  exitCode: ({ failed }) => (failed.length > 0 ? EXIT.transient : EXIT.ok),
  summary: askSummary,
});
