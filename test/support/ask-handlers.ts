import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AskPlan, AskResult, PartFailure, PartSummary } from '../../workers/src/cloud/lambda/ask-event.ts';
import type { CallContext } from '../../workers/src/cloud/lambda/define-handler.ts';
import { handler as aggregate } from '../../workers/src/cloud/lambda/handlers/aggregate-handler.ts';
import { handler as embed } from '../../workers/src/cloud/lambda/handlers/embed-handler.ts';
import { handler as plan } from '../../workers/src/cloud/lambda/handlers/plan-handler.ts';
import { handler as searchBucket } from '../../workers/src/cloud/lambda/handlers/search-bucket-handler.ts';

export const HANDLERS = { embed, plan, searchBucket, aggregate };

/** The context of a call with this much time. */
export const callContext = (milliseconds = 60_000): CallContext => ({
  awsRequestId: randomUUID(),
  memoryLimitInMB: '3008',
  getRemainingTimeInMillis: () => milliseconds,
});

/** Returns the event of a search of one bucket of a plan. */
export const searchEvent = ({ execution, queries, settings, buckets }: AskPlan, bucket = 0) => ({
  ...{ execution, queries, settings },
  bucket: buckets[bucket],
});

/** Calls the functions in the order of the state machine. @param parts what the searches give, from their own answers */
export async function askByHandlers(
  request: object & { sequences?: string; settings?: object },
  execution: string = randomUUID(),
  change: (parts: Array<PartSummary | PartFailure>) => unknown[] = (parts) => parts,
): Promise<AskResult> {
  if (request.sequences !== undefined) await embed({ execution, request }, callContext());
  const planned = await plan({ execution, request }, callContext());
  const parts = [];
  for (const index of planned.buckets.keys())
    parts.push(await searchBucket(searchEvent(planned, index), callContext()));
  return aggregate({ ...planned, parts: change(parts) }, callContext());
}

/** Serves functions at addresses, as Lambda's emulator does. The caller closes them. */
export async function serveFunctions(
  functions: Readonly<Record<string, (event: unknown) => Promise<unknown>>>,
): Promise<{ addresses: Record<string, string[]>; close(): void }> {
  const servers: Server[] = [];
  const addresses: Record<string, string[]> = {};
  for (const [name, answer] of Object.entries(functions)) {
    const server = createServer(async (request, response) => {
      const event: unknown = JSON.parse(Buffer.concat(await request.toArray()).toString());
      const found = await answer(event).catch((error: Error) => ({
        errorType: error.name,
        errorMessage: error.message,
      }));
      response.end(JSON.stringify(found));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    addresses[name] = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
  }
  const close = () => {
    for (const server of servers) server.close().closeAllConnections();
  };
  return { addresses, close };
}
