import { Readable } from 'node:stream';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { countReceived, countRequest, countSent } from '../app/usage.ts';
import { type ByteSink, fastGet, type Timeouts } from './fast-get.ts';

/** Options of one GetObject whose body is written to a sink. */
export interface RangeOptions {
  sink: ByteSink;
  /** Set when the response head has arrived; resolves when the sink has the whole body. */
  body?: Promise<void>;
  abortSignal?: AbortSignal;
}

/**
 * Makes the SDK's HTTP handler count requests and bytes, and write bodies straight to their sinks. Signatures, retries and errors
 * are those of the SDK.
 * @param patient sends the requests that complete an upload
 */
export function withSinks(handler: NodeHttpHandler, patient: NodeHttpHandler, timeouts: Timeouts): NodeHttpHandler {
  const handle = handler.handle.bind(handler);
  const isCompletion = ({ method, query }: { method: string; query?: object }) =>
    method === 'POST' && query !== undefined && 'uploadId' in query;
  handler.handle = async (request, options) => {
    const wanted = options as Partial<RangeOptions> | undefined;
    if (wanted?.sink) {
      countRequest();
      const answer = await fastGet(request, wanted.sink, timeouts, wanted.abortSignal);
      if (answer) {
        wanted.body = answer.body;
        countReceived(answer.headers['content-length']);
        return { response: { statusCode: 206, headers: answer.headers, body: Readable.from([]) } };
      }
    }
    countRequest();
    const answer = await (isCompletion(request) ? patient.handle(request, options) : handle(request, options));
    countSent((request as { body?: unknown }).body);
    const { response } = answer;
    if (request.method !== 'HEAD') countReceived(response.headers['content-length']);
    if (wanted?.sink && response.statusCode < 300) {
      wanted.body = pump(response.body as Readable, wanted.sink);
      wanted.body.catch(() => {}); // the caller awaits the body
      return { response: { ...response, body: Readable.from([]) } };
    }
    return answer;
  };
  return handler;
}

/** Writes any other body, such as a chunked one, to a sink. */
async function pump(body: Readable, sink: ByteSink): Promise<void> {
  for await (let chunk of body as AsyncIterable<Buffer>)
    while (chunk.length > 0) {
      const copied = chunk.copy(sink.buffer());
      await sink.filled(copied);
      chunk = chunk.subarray(copied);
    }
}
