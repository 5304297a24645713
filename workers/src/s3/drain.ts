import type { Readable } from 'node:stream';

/** Receives the bytes of a body. */
export interface ByteSink {
  /** Returns the space for the next bytes; none where the sink is full. */
  buffer(): Buffer;
  /** Must be called with the count of bytes written to `buffer()`. If it returns a promise, the next bytes wait until it resolves. */
  filled(bytes: number): undefined | Promise<void>;
}

/** Copies a body to a sink. The sink is unused when it returns or throws. @throws what the sink throws, or an error of the connection */
export function drain(body: Readable, sink: ByteSink): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();

  /** @returns a promise if the sink is busy before all is copied */
  function copy(chunk: Buffer<ArrayBuffer>, start = 0): undefined | Promise<void> {
    for (let done = start; done < chunk.length; ) {
      const copied = chunk.copy(sink.buffer(), 0, done);
      if (copied === 0) throw new Error('aborted: more bytes than were requested');
      done += copied;
      const busy = sink.filled(copied);
      if (busy) return busy.then(() => copy(chunk, done));
    }
    // Frees the memory now: to collect such buffers as garbage takes as much CPU time as everything else.
    if (chunk.length > 0 && chunk.length === chunk.buffer.byteLength) chunk.buffer.transfer(0);
    return undefined;
  }

  let copying = Promise.resolve();
  // Until the last bytes are copied, the sink is in use. A body may end before, even while it is paused.
  const end = () => void copying.then(resolve, reject);
  const fail = (error: unknown) => void copying.then(() => reject(error), reject);
  const stop = (error: unknown) => {
    reject(error);
    body.destroy();
  };
  body.on('data', (chunk: Buffer<ArrayBuffer>) => {
    try {
      const busy = copy(chunk);
      if (!busy) return;
      body.pause();
      copying = busy;
      busy.then(() => body.resume(), stop);
    } catch (error) {
      stop(error);
    }
  });
  body.on('end', end);
  body.on('error', fail);
  body.on('close', () => fail(Object.assign(new Error('aborted: the connection was closed'), { code: 'ECONNRESET' })));
  return promise;
}
