import { createReadStream } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { DataError } from '../../base/errors.ts';
import { withScratch } from '../../base/files/scratch.ts';
import { createEvalues, EVALUE, P_VALUE } from '../../hits/evalues.ts';
import { writeOutputs } from '../../hits/output/neighbour-outputs.ts';
import { inspectHits, readHits } from '../../hits/parquet/hits-reader.ts';
import { mergeStreams, startAll } from '../../merge/streams.ts';
import { uploadStream } from '../../s3/upload-stream.ts';
import type { AskSettings } from '../../search/in-place/ask-settings.ts';
import { IN_PLACE_MESSAGES } from '../../search/in-place/in-place-messages.ts';
import { answerMetadata, partialNote } from '../../search/in-place/output/partial-answer.ts';
import type { PartSummary } from './ask-event.ts';
import type { CheckedParts } from './check-parts.ts';
import type { Call } from './define-handler.ts';
import { LAMBDA_MESSAGES } from './lambda-messages.ts';
import { readPartSummary } from './part-file.ts';
import { AskAgainError } from './question-errors.ts';
import { resultKeys } from './result-keys.ts';

const READS_AT_ONCE = 8;

interface PartsToMerge extends CheckedParts {
  execution: string;
  settings: AskSettings;
}

/**
 * Merges stored parts as merge-hits merges files of hits, and stores neighbours as CSV and Parquet, with the bytes that `ask` writes.
 * @returns their row count
 * @throws AskAgainError that names the bucket if a part is missing; DataError where E-values are asked for, but hits have no p-values
 */
export function mergeParts({ execution, parts, failed, settings }: PartsToMerge, call: Call): Promise<number> {
  return withScratch(tmpdir(), 'lanceflow-parts', async (folder) => {
    const paths = await mapConcurrently(parts, READS_AT_ONCE, (part) => fetchPart(execution, part, folder, call));
    const [csv, parquet] = [join(folder, 'neighbours.csv'), join(folder, 'neighbours.parquet')];
    const databaseRows = await searchedRows(paths);
    const hasPValues = databaseRows !== undefined;
    if (!hasPValues && settings.maxEvalue !== undefined) throw new DataError(IN_PLACE_MESSAGES.noPValues);
    const streams = startAll(paths.map((path) => readHits(path, hasPValues)));
    const merged = mergeStreams(streams, settings.k, hasPValues ? [P_VALUE] : []);
    const convert = hasPValues ? createEvalues(databaseRows, settings.maxEvalue) : undefined;
    const options = {
      ...({ compression: 'zstd', csvSafe: false, metadata: answerMetadata(settings, failed) } as const),
      ...{ extra: convert ? [EVALUE] : [], scratch: folder },
    };
    const { rows } = await writeOutputs({ output: parquet, csv }, options, async (append) => {
      let rows = 0;
      for await (const found of merged) {
        const batch = convert?.(found) ?? found;
        rows += batch.ranks.length;
        await append(batch);
      }
      return { rows };
    });
    if (failed.length > 0) await appendFile(csv, partialNote(failed));
    const upload = (path: string, key: string, type: string) =>
      uploadStream(call.results.uri(key), createReadStream(path), type);
    await upload(csv, resultKeys.csv(execution), 'text/csv');
    await upload(parquet, resultKeys.parquet(execution), 'application/vnd.apache.parquet');
    return rows;
  });
}

/** Returns the rows of all buckets; undefined where hits of any have no p-values. */
async function searchedRows(paths: readonly string[]): Promise<number | undefined> {
  let sum = 0;
  for (const path of paths) {
    const { bucketRows } = await inspectHits(path);
    if (bucketRows === undefined) return undefined;
    sum += bucketRows;
  }
  return sum;
}

async function fetchPart(
  execution: string,
  { bucket, fingerprint }: PartSummary,
  folder: string,
  { results }: Call,
): Promise<string> {
  const key = resultKeys.part(execution, bucket);
  const file = await results.read(key);
  if (file === undefined) throw new AskAgainError(LAMBDA_MESSAGES.missingPart(bucket, results.uri(key)));
  const path = join(folder, `${bucket}.parquet`);
  await writeFile(path, file);
  const wrong = () => new AskAgainError(LAMBDA_MESSAGES.wrongPart(bucket, results.uri(key)));
  const stored = await readPartSummary(path, wrong);
  if (stored.bucket !== bucket || stored.fingerprint !== fingerprint) throw wrong();
  return path;
}
