import { expect, test } from 'vitest';
import { s3FailureIn } from '../../workers/src/lance/s3-failure.ts';

// Messages of LanceDB 0.31, shortened.
const LIST =
  'Invalid input, Failed to connect to namespace: IO { source: Generic { store: "S3", source: ListRequest { source: ';
const GET =
  'lance error: LanceError(IO): Generic S3 error: Error performing GET http://127.0.0.1:9/a.lance in 248ms, after 2 retries';

test.each([
  [
    `${LIST}RetryError(RetryErrorImpl { inner: Http(HttpError { kind: Timeout, source: reqwest::Error { source: TimedOut`,
    'passing',
  ],
  [
    `${LIST}HttpError { kind: Request, source: hyper_util::client::legacy::Error(SendRequest, hyper::Error(IncompleteMessage)) }`,
    'passing',
  ],
  [
    `${LIST}RetryError(RetryErrorImpl { retries: 2, inner: Status { status: 503, body: Some("<Code>SlowDown</Code>") } })`,
    'passing',
  ],
  [
    `${LIST}RetryError(RetryErrorImpl { retries: 0, inner: Status { status: 403, body: Some("<Code>AccessDenied</Code>") } })`,
    'denied',
  ],
  [
    `${GET}, max_retries: 2, retry_timeout: 2s  - Server returned non-2xx status code: 500 Internal Server Error`,
    'passing',
  ],
  [`${GET} - HTTP error: error sending request`, 'passing'],
  ['LanceError(IO): Generic S3 error: HTTP error: request or response body error', 'passing'],
  [
    'Generic S3 error: Error performing GET http://a/b - Server returned non-2xx status code: 404 Not Found: NoSuchKey',
    undefined,
  ],
  ['Object at location bucket_00001.lance/data/a.lance not found: NoSuchKey http://127.0.0.1:9', undefined],
  ['LanceError(IO): file size is too small, fragment 500 of 504', undefined],
  ['Not found: db/bucket_00001.lance/data/0.lance', undefined],
])('%s', (message, failure) => {
  expect(s3FailureIn(message)).toBe(failure);
});
