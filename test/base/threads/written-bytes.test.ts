import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { WrittenBytes } from '../../../workers/src/base/threads/written-bytes.ts';

const never = new AbortController().signal;

it('tells another thread when the bytes that it waits for are written, and never goes back', async () => {
  const written = new WrittenBytes();
  const module = new URL('../../../workers/src/base/threads/written-bytes.ts', import.meta.url);
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     parentPort.on('message', () => {}); // keeps the thread running
     import(${JSON.stringify(module.href)}).then(async ({ WrittenBytes }) => {
       const written = new WrittenBytes(workerData);
       for (const bytes of [0, 10, 2 ** 40]) {
         await written.reach(bytes, new AbortController().signal);
         parentPort.postMessage(bytes);
       }
     });`,
    { eval: true, workerData: written.memory },
  );
  const told: number[] = [];
  const waiting = new Map([0, 10, 2 ** 40].map((bytes) => [bytes, Promise.withResolvers<void>()]));
  worker.on('message', (bytes: number) => {
    told.push(bytes);
    waiting.get(bytes)!.resolve();
  });
  await waiting.get(0)!.promise;
  written.announce(9);
  expect(told).toEqual([0]);
  written.announce(11);
  written.announce(3);
  await waiting.get(10)!.promise;
  expect(told).toEqual([0, 10]);
  await written.reach(11, never);
  written.announce(2 ** 40);
  await waiting.get(2 ** 40)!.promise;
  await worker.terminate();
});

it('stops waiting when its signal is aborted', async () => {
  const stop = new AbortController();
  const reached = new WrittenBytes().reach(1, stop.signal);
  stop.abort(new Error('stopped'));
  await expect(reached).rejects.toBe(stop.signal.reason);
});
