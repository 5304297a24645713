import { type CommandContext, defineCommand } from '../app/command.ts';
import { EXIT, UsageError } from '../base/errors.ts';
import { embedQueries } from '../embed/embed-queries.ts';
import {
  type AskedDatabase,
  askAndWrite,
  askSummary,
  loadStored,
  openAsked,
} from '../search/in-place/ask-and-write.ts';
import { ASK_COMMAND_LINE } from '../search/in-place/ask-command-line.ts';
import { checkAskOptions, type QuerySource } from '../search/in-place/ask-options.ts';
import type { AskQueries } from '../search/in-place/ask-queries.ts';
import { MOST_QUERIES } from '../search/in-place/ask-settings.ts';
import { IN_PLACE_MESSAGES } from '../search/in-place/in-place-messages.ts';

export const command = defineCommand({
  describe:
    'Finds the nearest neighbours of a protein, or of a few, in all buckets at once. Buckets on S3 are searched where they lie: nothing ' +
    'is fetched or kept on this machine. The answer is that of search-bucket --search ann and merge-hits. For many queries, ' +
    'run the pipeline: see docs/in-place.md.',
  positional: 'sequence',
  addresses: ['output'],
  options: ASK_COMMAND_LINE,
  examples: [
    ['ask MKTAYIAKQRQISFVKSHFSRQ --database s3://bucket/proteins --model kmer', 'Print the 10 nearest proteins'],
    ['ask --input proteins.fasta --database db --k 1000 --output near.parquet', 'Write those of a few proteins'],
    ['ask --input vectors.parquet --database db', 'Ask for vectors of another tool'],
    ['ask --id P69905 --exclude-self --database db --max-distance 0.1', 'Find what is near a protein of the database'],
    ['ask - --database db --format jsonl < one.fasta | jq .target_id', 'Use it in a pipe'],
  ],

  async run(args, context) {
    const request = await checkAskOptions(args);
    const { remote, database, model, concurrency, timeout, allowNucleotide } = args;
    if (remote !== undefined) {
      // Loaded for this option alone, with the SDK.
      const { askRemotely } = await import('../cloud/lambda/client/ask-remotely.ts');
      return askRemotely({ remote, database, model, concurrency, timeout, allowNucleotide }, request, context);
    }
    if (database === undefined) throw new UsageError(IN_PLACE_MESSAGES.noDatabase);
    const asked = await openAsked(database, request);
    const { queries: source } = request;
    const queries = await readQueries(asked, source, args, context);
    return askAndWrite(asked, queries, request, context);
  },

  exitCode: ({ failed }) => (failed.length > 0 ? EXIT.transient : EXIT.ok),
  summary: askSummary,
});

async function readQueries(
  asked: AskedDatabase,
  source: QuerySource,
  { model, allowNucleotide }: { model?: string | undefined; allowNucleotide: boolean },
  context: CommandContext,
): Promise<AskQueries> {
  if (source.kind === 'id') return loadStored(asked, source.id, context);
  if (source.kind !== 'vectors') return embedQueries(source, model, asked.model, MOST_QUERIES, allowNucleotide);
  // Loaded for such files alone, with the readers of their formats.
  const { loadVectors } = await import('../import/load-vectors.ts');
  return loadVectors(source.paths, source.named, MOST_QUERIES, context.log);
}
