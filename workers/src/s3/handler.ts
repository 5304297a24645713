import { Readable } from 'node:stream';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { countReceived, countRequest, countSent } from '../app/usage.ts';
import { type ByteSink, drain } from './drain.ts';

/** Options of one GetObject whose body is written to a sink. */
export interface RangeOptions {
  sink: ByteSink;
  /** Set when the response head has arrived; resolves when the sink has the whole body. */
  body?: Promise<void>;
  abortSignal?: AbortSignal;
}

/**
 * Makes the SDK's HTTP handler count requests and bytes, and copy bodies to their sinks.
 * @param patient sends the requests that complete an upload
 */
export function withSinks(handler: NodeHttpHandler, patient: NodeHttpHandler): NodeHttpHandler {
  const handle = handler.handle.bind(handler);
  const isCompletion = ({ method, query }: { method: string; query?: object }) =>
    method === 'POST' && query !== undefined && 'uploadId' in query;
  handler.handle = async (request, options) => {
    const wanted = options as Partial<RangeOptions> | undefined;
    countRequest();
    const answer = await (isCompletion(request) ? patient.handle(request, options) : handle(request, options));
    countSent((request as { body?: unknown }).body);
    const { response } = answer;
    if (request.method !== 'HEAD') countReceived(response.headers['content-length']);
    if (wanted?.sink && response.statusCode < 300) {
      wanted.body = drain(response.body as Readable, wanted.sink);
      wanted.body.catch(() => {}); // the caller awaits the body
      return { response: { ...response, body: Readable.from([]) } };
    }
    return answer;
  };
  return handler;
}
