import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';

/** As much as a socket often has at once, and little enough for the core's cache. */
const READ_BYTES = 2 ** 17;

export interface Agents {
  httpAgent: HttpAgent;
  httpsAgent: HttpsAgent;
}

/**
 * Makes the agents of an HTTP client that receives much. Node allocates a buffer of 64 kB for every read of a socket; here, all sockets of
 * a thread read into one buffer, because Node's HTTP parser copies bodies anyway.
 */
export function makeAgents(maxSockets: number): Agents {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const options = { keepAlive: true, maxSockets };
  return {
    httpAgent: withReadBuffer(new HttpAgent(options), buffer),
    httpsAgent: withReadBuffer(new HttpsAgent(options), buffer),
  };
}

function withReadBuffer<A extends HttpAgent>(agent: A, buffer: Buffer): A {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const onread = {
      buffer,
      callback(bytes: number) {
        socket.emit('data', buffer.subarray(0, bytes));
        return true;
      },
    };
    const socket = connect({ ...options, onread } as typeof options, callback) as Socket;
    return socket;
  };
  return agent;
}
