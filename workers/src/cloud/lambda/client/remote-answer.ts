import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '../../../base/errors.ts';
import { withScratch } from '../../../base/files/scratch.ts';
import { parseS3Uri } from '../../../base/s3-location.ts';
import { type HitColumns, hitsOf, type NeighbourColumns } from '../../../hits/columns.ts';
import type { ExtraField } from '../../../hits/extra-column.ts';
import { inspectNeighbours, readNeighbours } from '../../../hits/parquet/neighbours-reader.ts';
import { mergeStreams } from '../../../merge/streams.ts';
import type { AnswerOutput } from '../../../search/in-place/output/answer-format.ts';
import { answerMetadata } from '../../../search/in-place/output/partial-answer.ts';
import { writeAnswer } from '../../../search/in-place/output/write-answer.ts';
import type { AskResult } from '../ask-event.ts';
import { LAMBDA_MESSAGES } from '../lambda-messages.ts';
import { openResults } from '../results-bucket.ts';

/** Fetches the neighbours of an execution, and writes them as `ask` writes its own. @returns the byte count */
export function writeRemoteAnswer(result: AskResult, output: AnswerOutput): Promise<number> {
  return withScratch(tmpdir(), 'lanceflow-answer', async (folder) => {
    const { bucket, prefix } = parseS3Uri(result.parquet);
    const file = await (await openResults(`s3://${bucket}`)).read(prefix);
    if (file === undefined) throw new DataError(LAMBDA_MESSAGES.noCsv(result.parquet));
    const path = join(folder, 'neighbours.parquet');
    await writeFile(path, file);
    const neighbours: NeighbourColumns[] = [];
    // Their ranks follow from their order.
    const { extra } = await inspectNeighbours(path);
    for await (const batch of mergeStreams([storedHits(path, extra)], result.settings.k, extra)) neighbours.push(batch);
    const failed = result.failed.map(({ bucket: name, error }) => ({ bucket: name, error: new Error(error) }));
    return writeAnswer({ neighbours, extra, failed }, output, answerMetadata(result.settings, failed));
  });
}

async function* storedHits(path: string, extra: readonly ExtraField[]): AsyncGenerator<HitColumns> {
  for await (const batch of readNeighbours(path, extra)) yield hitsOf(batch);
}
