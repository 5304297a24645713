import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Transform } from 'node:stream';
import { s3Env } from './s3-server.ts';

/** A fault of one request. */
export type Fault =
  /** The answer is an error of S3; the server never sees the request. */
  | { status: number; code: string; headers?: Record<string, string>; fields?: Record<string, string> }
  /** The connection is cut after this number of bytes of the answer's body. */
  | { cutAfter: number }
  /** The connection is cut after this number of bytes of the request's body. */
  | { cutRequestAfter: number }
  /** The answer stalls after this number of bytes of its body; the connection stays open. */
  | { stallAfter: number }
  /** No answer; the connection stays open. */
  | { noAnswer: true }
  /** The server sees the request when this has ended. */
  | { after: Promise<unknown> }
  /** The answer is late. */
  | { delayMs: number }
  /** The byte at this offset of the answer's body is changed. */
  | { flipAt: number }
  /** The byte at this offset of the request's body is changed. */
  | { flipRequestAt: number }
  /** Headers whose names match are removed from request and answer, as by a server that does not support them. */
  | { ignores: RegExp; answer?: Record<string, string>; flipRequestAt?: number };

export interface Seen {
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingMessage['headers'];
  /** Counted from 0, over all requests. */
  index: number;
  /** Whether its answer has begun. */
  isAnswered: boolean;
}

export interface FaultProxy {
  endpoint: string;
  env: Record<string, string>;
  /** Chooses the fault of a request; undefined: none. */
  rule: (seen: Seen) => Fault | undefined;
  /** All requests so far. */
  seen: Seen[];
  /** Bytes of the bodies of all answers. */
  answeredBytes: number;
  stop(): Promise<void>;
}

/** Starts a proxy before a server. It passes everything unchanged, signatures included, except for the faults of its rule. */
export async function startFaultProxy(upstream: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(upstream);
  const agent = new Agent({ keepAlive: true });
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const one = { method, url, headers, index: seen.length, isAnswered: false };
    seen.push(one);
    const fault = proxy.rule(one);
    if (fault && 'status' in fault) {
      one.isAnswered = true;
      return refuse(incoming, outgoing, fault);
    }
    if (fault && 'noAnswer' in fault) return void incoming.resume();
    const known = (all: IncomingMessage['headers']) =>
      fault && 'ignores' in fault
        ? Object.fromEntries(Object.entries(all).filter(([name]) => !fault.ignores.test(name)))
        : all;
    const changed = fault && 'ignores' in fault ? fault.answer : undefined;
    const forward = request({ hostname, port, method, path: url, headers: known(headers), agent }, (answer) => {
      const pass = () => {
        one.isAnswered = true;
        answer.on('data', (chunk: Buffer) => {
          proxy.answeredBytes += chunk.length;
        });
        outgoing.writeHead(answer.statusCode ?? 502, { ...known(answer.headers), ...changed });
        answer.pipe(damaged(fault, outgoing)).pipe(outgoing);
      };
      if (fault && 'delayMs' in fault) setTimeout(pass, fault.delayMs);
      else pass();
    });
    forward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forward.destroy());
    const send = () => incoming.pipe(damagedRequest(fault, incoming)).pipe(forward);
    if (fault && 'after' in fault) void fault.after.then(send);
    else send();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const endpoint = `http://127.0.0.1:${address.port}`;
  const proxy: FaultProxy = {
    endpoint,
    env: s3Env(endpoint),
    rule: () => undefined,
    seen,
    answeredBytes: 0,
    async stop() {
      for (const socket of sockets) socket.destroy();
      agent.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse, fault: Extract<Fault, { status: number }>): void {
  const fields = Object.entries(fault.fields ?? {}).map(([name, value]) => `<${name}>${value}</${name}>`);
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code}</Code><Message>of the test</Message>${fields.join('')}</Error>`;
  incoming.resume();
  incoming.on('end', () => {
    outgoing.writeHead(fault.status, { 'content-type': 'application/xml', ...fault.headers });
    outgoing.end(incoming.method === 'HEAD' ? undefined : body);
  });
}

function damaged(fault: Fault | undefined, outgoing: ServerResponse): Transform {
  if (fault && 'cutAfter' in fault) return after(fault.cutAfter, () => outgoing.destroy());
  if (fault && 'stallAfter' in fault) return after(fault.stallAfter, () => {});
  return flipping(fault && 'flipAt' in fault ? fault.flipAt : undefined);
}

function damagedRequest(fault: Fault | undefined, incoming: IncomingMessage): Transform {
  if (fault && 'cutRequestAfter' in fault) return after(fault.cutRequestAfter, () => incoming.socket.destroy());
  return flipping(fault && 'flipRequestAt' in fault ? fault.flipRequestAt : undefined);
}

/** Passes a number of bytes, then calls a function once, and drops the rest. */
function after(bytes: number, then: () => void): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      const part = chunk.subarray(0, Math.max(0, bytes - passed));
      passed += chunk.length;
      if (part.length > 0) this.push(part);
      if (passed > bytes) setImmediate(then);
      else callback();
    },
  });
}

function flipping(at: number | undefined): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      if (at !== undefined && at >= passed && at < passed + chunk.length) chunk[at - passed]! ^= 1;
      passed += chunk.length;
      callback(null, chunk);
    },
  });
}

/** Makes a rule for every `n`-th matching request. */
export function every(n: number, of: (seen: Seen) => boolean, fault: Fault): (seen: Seen) => Fault | undefined {
  let count = 0;
  return (seen) => (of(seen) && ++count % n === 0 ? fault : undefined);
}

/** Makes a rule for the first matching request, or the first few. */
export function first(n: number, of: (seen: Seen) => boolean, fault: Fault): (seen: Seen) => Fault | undefined {
  let count = 0;
  return (seen) => (of(seen) && count++ < n ? fault : undefined);
}
