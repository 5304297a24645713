import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { makeAgents } from '../../workers/src/s3/agents.ts';
import { type ByteSink, drain } from '../../workers/src/s3/drain.ts';

const MIB = 2 ** 20;

/** A server that answers each request by what `answer` writes. @returns a client of it, as the SDK has it, and counts */
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
  const { httpAgent: agent } = makeAgents(4);
  onTestFinished(() => {
    agent.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const ask = async (): Promise<IncomingMessage> => {
    const [response] = await once(get({ host: '127.0.0.1', port, agent }), 'response');
    return response;
  };
  return { ask, connections: () => connections };
}

const head = (length: number) => `HTTP/1.1 206 Partial Content\r\nContent-Length: ${length}\r\n\r\n`;

/** Takes what comes in small and changing portions, and often has no room for a while. */
function slowSink(random: () => number, limit = Number.POSITIVE_INFINITY) {
  const got: Buffer[] = [];
  let bytes = 0;
  let room = Buffer.alloc(0);
  let used = 0;
  let isBusy = false;
  const sink: ByteSink = {
    buffer() {
      if (used === room.length) {
        room = Buffer.alloc(Math.min(1 + Math.floor(random() * 40_000), limit - bytes));
        used = 0;
      }
      return room.subarray(used);
    },
    filled(count) {
      expect(isBusy).toBe(false);
      got.push(Buffer.from(room.subarray(used, used + count)));
      used += count;
      bytes += count;
      if (random() < 0.5) return undefined;
      isBusy = true;
      return sleep(random() * 3).then(() => {
        isBusy = false;
      });
    },
  };
  return { sink, content: () => Buffer.concat(got), isBusy: () => isBusy };
}

it('gives the sink every byte once, however they come, over one connection', async () => {
  const random = seededRandom(7);
  const bodies = [1, 100, 70_000, 1_000_000, 0, 33_333].map((bytes) => randomBytes(bytes));
  const { ask, connections } = await serve(async (socket, count) => {
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
    await drain(await ask(), sink);
    expect(content().equals(body)).toBe(true);
  }
  expect(connections()).toBe(1);
});

it('keeps bodies apart that many connections receive at once, drained or not', async () => {
  const bodies = Array.from({ length: 12 }, () => randomBytes(MIB));
  let next = 0;
  const { ask } = await serve(async (socket) => {
    const body = bodies[next++]!;
    socket.write(head(body.length));
    for (let done = 0; done < body.length; done += 50_000) {
      socket.write(body.subarray(done, done + 50_000));
      await sleep(1);
    }
  });
  const received = bodies.map(async (_, i) => {
    const response = await ask();
    if (i % 3 === 0) return Buffer.concat(await response.toArray());
    const { sink, content } = slowSink(seededRandom(i));
    await drain(response, sink);
    return content();
  });
  const hashes = (all: Buffer[]) => all.map((body) => hash('sha256', body)).sort();
  expect(hashes(await Promise.all(received))).toEqual(hashes(bodies));
});

it('leaves other answers as they are, for who reads them later', async () => {
  const { ask } = await serve((socket, count) => {
    const message = `answer ${count}`.repeat(1000);
    socket.write(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${message.length}\r\n\r\n${message}`);
  });
  const [first, second] = [await ask(), await ask()];
  await sleep(20);
  expect(await text(second!)).toBe('answer 1'.repeat(1000));
  expect(await text(first!)).toBe('answer 0'.repeat(1000));
});

it('reports bodies that are cut, and the failure of a sink, when the sink is unused', async () => {
  const random = seededRandom(3);
  const { ask } = await serve(
    (socket) => void socket.end(Buffer.concat([Buffer.from(head(MIB)), randomBytes(90_000)])),
  );
  for (let i = 0; i < 5; i++) {
    const { sink, content, isBusy } = slowSink(random);
    await expect(drain(await ask(), sink)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect([isBusy(), content().length]).toEqual([false, 90_000]);
  }
  const full = { buffer: () => Buffer.alloc(10), filled: () => Promise.reject(new Error('no space')) };
  await expect(drain(await ask(), full)).rejects.toThrow('no space');
});

it('refuses more bytes than the sink has space for', async () => {
  const { ask } = await serve(
    (socket) => void socket.write(Buffer.concat([Buffer.from(head(5000)), randomBytes(5000)])),
  );
  const { sink, content } = slowSink(() => 0.1, 3000);
  await expect(drain(await ask(), sink)).rejects.toThrow(/more bytes than were requested/);
  expect(content().length).toBe(3000);
});
