import { resolve } from 'node:path';
import { checkFilePath } from '../../../app/file-options.ts';
import { UsageError } from '../../../base/errors.ts';
import { isStandardOutput, isStreamOutput } from '../../../base/files/stream-output.ts';
import { looksLikeS3, parseS3Uri } from '../../../base/s3-location.ts';
import { type TextCompression, textCompression } from '../../../hits/output/text-file.ts';
import { IN_PLACE_MESSAGES } from '../in-place-messages.ts';

export const FORMATS = ['table', 'csv', 'parquet', 'jsonl', 'fasta'] as const;
export type Format = (typeof FORMATS)[number];

/** Where the neighbours go, and how. */
export interface AnswerOutput {
  format: Format;
  /** A file or an address on S3; undefined: standard output. */
  path: string | undefined;
  compression: TextCompression;
  /** Puts an apostrophe before ids that spreadsheets would evaluate. */
  forSpreadsheets: boolean;
}

interface OutputOptions {
  format?: Format | undefined;
  output?: string | undefined;
  csvSafe: boolean;
  json: boolean;
}

/**
 * Chooses the format: the requested one, that of the output's name or, without an output, a table on a terminal and CSV elsewhere.
 * @throws UsageError if there is none, or it does not fit the output
 */
export function checkOutput({ format, output, csvSafe, json }: OutputOptions): AnswerOutput {
  if (output === undefined || isStandardOutput(output)) {
    if (json) throw new UsageError(IN_PLACE_MESSAGES.jsonNeedsOutput);
    if (format === 'parquet' && output !== undefined && !process.stdout.isTTY)
      return { format, path: output, compression: 'none', forSpreadsheets: false };
    if (format === 'parquet') throw new UsageError(IN_PLACE_MESSAGES.parquetNeedsOutput);
    const chosen = format ?? (process.stdout.isTTY ? 'table' : 'csv');
    return { format: chosen, path: undefined, compression: 'none', forSpreadsheets: csvSafe };
  }
  if (!looksLikeS3(output)) checkFilePath('--output', output);
  else if (parseS3Uri(output).prefix === '') throw new UsageError(IN_PLACE_MESSAGES.outputIsBucket(output));
  const chosen = format ?? formatOfName(output) ?? (isStreamOutput(output) ? 'csv' : undefined);
  if (chosen === undefined) throw new UsageError(IN_PLACE_MESSAGES.unknownFormat(output));
  if (chosen === 'table') throw new UsageError(IN_PLACE_MESSAGES.tableInFile);
  const path = looksLikeS3(output) ? output : resolve(output);
  const compression = chosen === 'parquet' ? 'none' : textCompression(output);
  return { format: chosen, path, compression, forSpreadsheets: csvSafe };
}

function formatOfName(name: string): Format | undefined {
  const [, parquet, fasta, text] = /\.(?:(parquet)|(?:(fasta|faa|fa)|(csv|jsonl))(?:\.gz|\.zst)?)$/i.exec(name) ?? [];
  if (fasta !== undefined) return 'fasta';
  return (parquet ?? text)?.toLowerCase() as Format | undefined;
}
