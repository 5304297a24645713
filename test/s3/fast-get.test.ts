import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { type ByteSink, closeFastConnections, fastGet } from '../../workers/src/s3/fast-get.ts';

afterEach(() => closeFastConnections());

/** A server that answers each request by what `answer` writes. @returns the request for it */
async function serve(answer: (socket: Socket, count: number) => void) {
  let connections = 0;
  let requests = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => {});
    socket.on('data', () => answer(socket, requests++));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const request = { protocol: 'http:', hostname: '127.0.0.1', port, path: '/x', headers: { host: 'x' } };
  return { request, connections: () => connections };
}

const head = (length: number, more = '') => `HTTP/1.1 206 Partial Content\r\nContent-Length: ${length}\r\n${more}\r\n`;
const TIMEOUTS = { connectMs: 20_000, stallMs: 20_000 };

/** Takes what comes in small and changing portions, and often has no room for a while. */
function slowSink(random: () => number) {
  const got: Buffer[] = [];
  let room = Buffer.alloc(0);
  let used = 0;
  let isBusy = false;
  const sink: ByteSink = {
    buffer() {
      if (used === room.length) {
        room = Buffer.alloc(1 + Math.floor(random() * 40_000));
        used = 0;
      }
      return room.subarray(used);
    },
    filled(bytes) {
      expect(isBusy).toBe(false);
      got.push(Buffer.from(room.subarray(used, used + bytes)));
      used += bytes;
      if (random() < 0.5) return undefined;
      isBusy = true;
      return sleep(random() * 3).then(() => {
        isBusy = false;
      });
    },
  };
  return { sink, content: () => Buffer.concat(got) };
}

it('gives the sink every byte once, however they come, over one connection', async () => {
  const random = seededRandom(7);
  const bodies = [1, 100, 70_000, 1_000_000, 0, 33_333].map((bytes) => randomBytes(bytes));
  const { request, connections } = await serve(async (socket, count) => {
    const all = Buffer.concat([Buffer.from(head(bodies[count]!.length)), bodies[count]!]);
    for (let done = 0; done < all.length; ) {
      const length = Math.ceil(random() * (count % 2 === 0 ? 100_000 : 300_000));
      socket.write(all.subarray(done, done + length));
      done += length;
      await sleep(random() < 0.3 ? 1 : 0);
    }
  });
  for (const body of bodies) {
    const { sink, content } = slowSink(random);
    const answer = await fastGet(request, sink, TIMEOUTS);
    expect(answer?.headers).toMatchObject({ 'content-length': `${body.length}` });
    await answer!.body;
    expect(content().equals(body)).toBe(true);
  }
  expect(connections()).toBe(1);
});

it('reads the next answer where the last bytes of a body had come before there was room for them', async () => {
  const body = randomBytes(100);
  const { request, connections } = await serve(
    (socket) => void socket.write(Buffer.concat([Buffer.from(head(body.length)), body])),
  );
  for (let i = 0; i < 3; i++) {
    const got: Buffer[] = [];
    let room = Buffer.alloc(40);
    const sink: ByteSink = {
      buffer: () => room,
      async filled(bytes) {
        got.push(room.subarray(0, bytes));
        room = Buffer.alloc(40);
        await sleep(5);
      },
    };
    await (await fastGet(request, sink, { connectMs: 20_000, stallMs: 5_000 }))!.body;
    expect(Buffer.concat(got).equals(body)).toBe(true);
  }
  expect(connections()).toBe(1);
});

it('makes a new connection where the other side ends it', async () => {
  const { request, connections } = await serve((socket) => void socket.end(`${head(3, 'Connection: close\r\n')}abc`));
  for (let i = 0; i < 3; i++) {
    const { sink, content } = slowSink(() => 0.1);
    await (await fastGet(request, sink, TIMEOUTS))!.body;
    expect(`${content()}`).toBe('abc');
  }
  expect(connections()).toBe(3);
});

it('leaves other answers, and tells of bodies that are cut, too long, or late', async () => {
  const { sink } = slowSink(() => 0.1);
  const ask = async (text: string, end: boolean, stallMs = 20_000, signal?: AbortSignal) => {
    const { request } = await serve((socket) => void (end ? socket.end(text) : socket.write(text)));
    const answer = await fastGet(request, sink, { connectMs: 20_000, stallMs }, signal);
    await answer?.body;
    return answer;
  };
  expect(await ask('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', false)).toBeUndefined();
  expect(await ask('x'.repeat(20_000), false)).toBeUndefined();
  await expect(ask(`${head(10)}abc`, true)).rejects.toThrow(/closed/);
  await expect(ask('', true)).rejects.toThrow(/closed/);
  await expect(ask(`${head(2)}abc`, false)).rejects.toThrow(/more bytes/);
  await expect(ask(`${head(10)}abc`, false, 100)).rejects.toThrow(/no answer/);
  await expect(ask('HTTP/1.1 206', false, 100)).rejects.toThrow(/no answer/);
  await expect(ask(`${head(10)}abc`, false, 20_000, AbortSignal.timeout(50))).rejects.toThrow(/stopped/);
  await expect(ask('', false, 20_000, AbortSignal.abort())).rejects.toThrow(/abort/);
});
