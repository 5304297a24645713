import { defineCommand } from '../../app/command.ts';
import { print } from '../../app/terminal.ts';
import { cleanKept, cleanSummary, DEFAULT_DAYS, listedTable } from '../../embed/kept/clean-kept.ts';

export const command = defineCommand({
  describe:
    'Lists the embedded files that the pipeline keeps for later runs (--embedding_cache) and that were not used for a time. With ' +
    '--remove, removes them: a later run embeds such a file again. Do not remove entries while a run uses them.',
  options: {
    'embedding-cache': {
      type: 'string',
      default: 'embeddings',
      describe:
        'The cache: a folder, or an s3:// prefix. The objects that its entries on S3 name are removed with them',
    },
    'older-than': {
      type: 'number',
      describe: `Days without use; on S3, days since an entry was made. Default: ${DEFAULT_DAYS}, or any age with --most`,
    },
    most: {
      type: 'string',
      describe: 'Size of the entries to keep, such as 500GB: the longest unused beyond it are removed too',
    },
    remove: { type: 'boolean', default: false, describe: 'Remove what is listed' },
  },
  examples: [
    ['clean-cache', 'List what was not used for 30 days'],
    ['clean-cache --older-than 7 --remove', 'Remove what was not used for a week'],
    ['clean-cache --most 500GB --remove', 'Keep the 500 GB that were used last'],
  ],

  async run(args, context) {
    const result = await cleanKept(args, context);
    if (!args.json && result.rows > 0) print(listedTable(result.listed));
    return result;
  },

  summary: cleanSummary,
});
