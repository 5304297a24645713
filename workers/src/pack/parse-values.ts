import { isColumnName } from '../base/columns/column-type.ts';
import { UsageError } from '../base/errors.ts';
import { MAX_SHARED_CELL_BYTES } from '../base/limits.ts';
import { isRecord, parseJson } from '../base/text/document.ts';
import { badValues, longValue } from './pack-messages.ts';

/** Parses the values of --values: a JSON object of texts for each input. @throws UsageError */
export function parseValues(texts: readonly string[], inputs: number): Record<string, string>[] {
  if (texts.length !== inputs)
    throw new UsageError(`--values has ${texts.length} values for ${inputs} of --input; it needs one for each.`);
  return texts.map((text) => {
    const value = parseJson(text);
    const isText = ([name, each]: [string, unknown]) => isColumnName(name) && typeof each === 'string';
    if (!isRecord(value) || !Object.entries(value).every(isText)) throw new UsageError(badValues(text));
    const values = value as Record<string, string>;
    for (const [name, each] of Object.entries(values))
      if (Buffer.byteLength(each) > MAX_SHARED_CELL_BYTES) throw new UsageError(longValue(name, each));
    return values;
  });
}
