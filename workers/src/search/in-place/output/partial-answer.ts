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
export function answerMetadata(settings: AskSettings, failed: FailedNames): Record<string, string> {
  const { k, excludeSelf, maxDistance, where, maxEvalue } = settings;
  return {
    'lanceflow.k': `${k}`,
    'lanceflow.exclude_self': `${excludeSelf}`,
    ...(maxDistance === undefined ? {} : { 'lanceflow.max_distance': `${maxDistance}` }),
    ...(where === undefined ? {} : { 'lanceflow.where': where }),
    ...(maxEvalue === undefined ? {} : { 'lanceflow.max_evalue': `${maxEvalue}` }),
    ...(failed.length > 0 ? { 'lanceflow.failed_buckets': JSON.stringify(namesOf(failed)) } : {}),
  };
}
