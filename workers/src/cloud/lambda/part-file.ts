import { checkDocument, parseJson } from '../../base/text/document.ts';
import { bucketRowsMetadata } from '../../hits/neighbours-origin.ts';
import { encodeHits } from '../../hits/parquet/hits-writer.ts';
import { openParquet } from '../../hits/parquet/parquet-file.ts';
import type { BucketAnswer } from '../../search/in-place/bucket-answer.ts';
import { PART_SUMMARY, type PartSummary } from './ask-event.ts';

/** Key of a part's metadata with its summary (JSON): hits and summary are one object, which is written in one step. */
const SUMMARY = 'lanceflow.answer';

/** Encodes the answer of a bucket as a file of hits. */
export function encodePart(summary: PartSummary, hits: BucketAnswer['hits']): Promise<Uint8Array> {
  return encodeHits(
    { ...hits, bucket: summary.bucket },
    {
      [SUMMARY]: JSON.stringify(summary),
      ...bucketRowsMetadata(hits.pValues && summary.rows),
    },
  );
}

/** Reads the summary of a part. @throws DataError if the file is damaged, the error of `fail` if it is another file */
export async function readPartSummary(path: string, fail: (problem: string) => Error): Promise<PartSummary> {
  const source = await openParquet(path);
  try {
    return checkDocument(PART_SUMMARY, parseJson(source.metadata.get(SUMMARY) ?? ''), fail);
  } finally {
    source.close();
  }
}
