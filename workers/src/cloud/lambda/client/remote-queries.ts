import { columnText } from '../../../base/bytes/utf8-column.ts';
import { UsageError } from '../../../base/errors.ts';
import type { SequenceSource } from '../../../embed/embed-queries.ts';
import { readFasta } from '../../../fasta/fasta.ts';
import type { AskQueries } from '../../../search/in-place/ask-queries.ts';
import { type AskEvent, MOST_EVENT_BYTES } from '../ask-event.ts';
import { eventVectors, storeQueries } from '../event-queries.ts';
import { LAMBDA_MESSAGES } from '../lambda-messages.ts';
import { resultKeys } from '../result-keys.ts';
import { openResults } from '../results-bucket.ts';

/** The rest of an event: settings, bucket names, what Step Functions adds. */
const OTHER_BYTES = 32 * 1024;
const MOST_BYTES = MOST_EVENT_BYTES - OTHER_BYTES;
const FASTA_LIMITS = { records: 64, residues: 32_768 };

/** Queries as an event has them. */
export type EventQueries = Pick<AskEvent, 'sequences' | 'vectors' | 'stored'>;

/** Returns sequences that the stack embeds. @throws UsageError if they are too many */
export async function sequencesForEvent(source: SequenceSource, allowNucleotide = false): Promise<EventQueries> {
  const sequences = source.kind === 'text' ? source.text : await readText(source.paths, allowNucleotide);
  const bytes = bytesInEvent(sequences);
  if (bytes > MOST_BYTES) throw new UsageError(LAMBDA_MESSAGES.largeFasta(bytes, MOST_BYTES));
  return { sequences };
}

async function readText(paths: readonly string[], allowNucleotide: boolean): Promise<string> {
  let text = '';
  for (const path of paths)
    for await (const { ids, sequences } of readFasta(path, { ...FASTA_LIMITS, allowNucleotide }))
      for (const [row, sequence] of sequences.entries()) text += `>${columnText(ids, row)}\n${sequence}\n`;
  return text;
}

/** Returns vectors, within the event or, if they are too large for it, stored on S3. */
export async function vectorsForEvent(queries: AskQueries, results: string, execution: string): Promise<EventQueries> {
  const vectors = eventVectors(queries);
  if (bytesInEvent(vectors) <= MOST_BYTES) return { vectors };
  const stored = resultKeys.queries(execution);
  await storeQueries(await openResults(results), stored, queries);
  return { stored };
}

/** Returns the bytes of a value in an event: JSON writes two for a line feed, and ids may have letters of several bytes. */
function bytesInEvent(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
