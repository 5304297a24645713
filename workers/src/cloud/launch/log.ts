import type { Batch } from '@aws-sdk/client-batch';
import type { CloudWatchLogs } from '@aws-sdk/client-cloudwatch-logs';

/** Returns the log group of a job definition's containers. */
export async function logGroupOf(batch: Batch, definition: string): Promise<string> {
  const { jobDefinitions = [] } = await batch.describeJobDefinitions({ jobDefinitions: [definition] });
  return jobDefinitions[0]?.containerProperties?.logConfiguration?.options?.['awslogs-group'] ?? '/aws/batch/job';
}

/** Reads a log stream from its beginning, a page at a time. */
export class LogReader {
  readonly #logs: CloudWatchLogs;
  readonly #group: string;
  #stream: string | undefined;
  #token: string | undefined;

  constructor(logs: CloudWatchLogs, group: string) {
    this.#logs = logs;
    this.#group = group;
  }

  /**
   * Yields the lines written since the last call. A head that Batch has restarted writes to another stream, which is read from its
   * beginning.
   */
  async *read(stream: string | undefined): AsyncGenerator<string> {
    if (stream === undefined) return;
    if (stream !== this.#stream) [this.#stream, this.#token] = [stream, undefined];
    for (;;) {
      const input = { logGroupName: this.#group, logStreamName: stream, startFromHead: true };
      const page = await this.#logs
        .getLogEvents({ ...input, ...(this.#token === undefined ? {} : { nextToken: this.#token }) })
        .catch((error: { cause?: Error }) => {
          // Batch names the stream before the container has written to it.
          if (error.cause?.name === 'ResourceNotFoundException') return undefined;
          throw error;
        });
      if (!page) return;
      for (const { message = '' } of page.events ?? []) yield message;
      // At the end of the stream, CloudWatch returns the token of the request.
      if (page.nextForwardToken === this.#token || (page.events ?? []).length === 0) {
        this.#token = page.nextForwardToken ?? this.#token;
        return;
      }
      this.#token = page.nextForwardToken;
    }
  }
}
