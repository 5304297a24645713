import { defineCommand } from '../../app/command.ts';
import { databaseOption } from '../../app/shared-options.ts';
import { print, terminalColumns } from '../../app/terminal.ts';
import { checkEvaluation, evaluateAndWrite, showEvaluation } from '../../evaluate/evaluate-and-write.ts';
import { judgeAndWrite } from '../../evaluate/labels/judge-and-write.ts';
import { evaluationSummary, labelTables } from '../../evaluate/labels/label-text.ts';

export const command = defineCommand({
  describe:
    'Measures what searches of a database find and cost: recall@k against exact answers, time and bytes over a grid of strategies, ' +
    'nprobes and refine factors, and recommends the quickest that reaches a recall. With --labels, how well neighbours agree with ' +
    'families that are known.',
  options: {
    database: databaseOption,
    queries: { type: 'array', string: true, describe: 'Query sets (HDF5 shards). Default: rows of the database' },
    sample: {
      type: 'number',
      describe: 'Queries to draw. Default: 200 rows of the database; of --queries at most 1,000; fewer for a large k',
    },
    k: { type: 'number', describe: 'Neighbours per query. Default: 10; with --labels 1,000' },
    labels: {
      type: 'string',
      describe:
        'Judge neighbours by labels, such as families, instead of exact answers: a table (.csv) with columns id and label. The ' +
        'labelled rows are the queries',
    },
    buckets: { type: 'string', describe: 'Buckets to search, with commas between. Default: all' },
    strategies: {
      type: 'string',
      describe: 'Strategies to compare: ann, scan, exact, with commas between. Default: all',
    },
    nprobes: {
      type: 'string',
      describe: 'Partitions to probe, such as 10,20,40. Default: from 1/8 of what a search probes to 4 times as many',
    },
    'refine-factor': { type: 'string', describe: 'ann: refine factors, such as 1,10. Default: 1,10,40' },
    'target-recall': {
      type: 'number',
      default: 0.95,
      describe: 'Recommend the quickest point whose 95% interval of the recall begins at this or above',
    },
    'exclude-self': {
      type: 'boolean',
      default: false,
      describe: "Omit the hit that has the query's own id. Always so for rows of the database",
    },
    stream: { type: 'boolean', default: false, describe: 'Read buckets on S3 in place, and store nothing here' },
    work: {
      type: 'string',
      describe: 'Folder (NVMe) for buckets fetched from S3, and for scratch files. Default: $LANCEFLOW_WORK',
    },
    output: { type: 'string', describe: 'Evaluation to write (JSON)' },
    plot: { type: 'string', describe: 'Recall against time to draw: .html, a page with chart and table, or .svg' },
  },
  examples: [
    ['evaluate --database /data/proteins --sample 200', 'Compare the strategies on rows of the database'],
    ['evaluate --database db --labels families.csv', 'Judge the neighbours by known families'],
    ['evaluate --database db --queries q.h5 --k 100 --nprobes 10,20,40 --plot recall.html', 'Draw recall against time'],
  ],

  async run(args, context) {
    if (args.labels !== undefined) {
      const { evaluation, ...written } = await judgeAndWrite(args.labels, args, context);
      if (!args.json) print(labelTables(evaluation, terminalColumns()));
      return { ...written, ...evaluation };
    }
    const { evaluation, ...written } = await evaluateAndWrite(await checkEvaluation(args), context);
    if (!args.json) showEvaluation(evaluation);
    return { ...written, ...evaluation };
  },

  summary: (result) => `evaluate: ${evaluationSummary(result)}`,
});
