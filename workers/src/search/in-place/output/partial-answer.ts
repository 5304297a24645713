import type { AskSettings } from '../ask-settings.ts';
import { IN_PLACE_MESSAGES } from '../in-place-messages.ts';

/** Buckets without an answer. */
type FailedNames = ReadonlyArray<{ readonly bucket: string }>;

const namesOf = (failed: FailedNames) => failed.map(({ bucket }) => bucket);

/** Returns the last line of a CSV file whose answer lacks buckets. */
export function partialNote(failed: FailedNames): string {
  return `# ${IN_PLACE_MESSAGES.partialNote(namesOf(failed))}\n`;
}

/** Returns the metadata of neighbours in Parquet. */
export function answerMetadata({ k, excludeSelf }: AskSettings, failed: FailedNames): Record<string, string> {
  return {
    'lanceflow.k': `${k}`,
    'lanceflow.exclude_self': `${excludeSelf}`,
    ...(failed.length > 0 ? { 'lanceflow.failed_buckets': JSON.stringify(namesOf(failed)) } : {}),
  };
}
