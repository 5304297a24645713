import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Path of the Python of `npm run setup:python`; undefined where it is missing. */
export const PYTHON = ((path) => (existsSync(path) ? path : undefined))(
  fileURLToPath(new URL('../../.tools/python/bin/python', import.meta.url)),
);
const READER = fileURLToPath(new URL('reader.py', import.meta.url));
const TIME_MS = 15_000;

/** A shard as h5py reads it. */
export interface ReadShard {
  /** As docs/formats.md defines it. */
  contentHash: string;
  ids: string[];
  dimension: number;
  /** [rows, dimension] */
  vectors: Float32Array;
}

/** [query, target, distance, bucket] */
export type ReadHit = [string, string, number, string];

/** Reads files with Python's libraries in a separate process, because a damaged file may crash or hang it. */
export class PythonReader {
  #child: ChildProcess | undefined;
  #waiting: Promise<unknown> = Promise.resolve();

  /** @returns undefined without Python */
  static find(): PythonReader | undefined {
    return PYTHON === undefined ? undefined : new PythonReader();
  }

  /** @returns an Error where h5py cannot read the file; undefined where h5py or pyarrow did not end */
  async shard(path: string): Promise<ReadShard | Error | undefined> {
    const read = await this.#ask<Omit<ReadShard, 'vectors'> & { vectors: string }>('shard', path);
    if (read === undefined || read instanceof Error) return read;
    const bytes = Buffer.from(read.vectors, 'base64');
    return {
      ...read,
      ids: read.ids.map((id) => Buffer.from(id, 'base64').toString()),
      vectors: new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
    };
  }

  /** @returns an Error where pyarrow cannot read the file; undefined where h5py or pyarrow did not end */
  hits(path: string): Promise<ReadHit[] | Error | undefined> {
    return this.#ask<ReadHit[]>('hits', path);
  }

  stop(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  /** One request at a time. */
  #ask<T>(what: string, path: string): Promise<T | Error | undefined> {
    const answer = this.#waiting.then(() => this.#exchange<T>(what, path));
    this.#waiting = answer;
    return answer;
  }

  #exchange<T>(what: string, path: string): Promise<T | Error | undefined> {
    this.#child ??= startReader();
    const child = this.#child;
    return new Promise((resolve) => {
      const lines = createInterface({ input: child.stdout! });
      const settle = (answer: T | Error | undefined) => {
        clearTimeout(timer);
        lines.close();
        child.removeAllListeners('exit');
        resolve(answer);
      };
      const lose = () => {
        this.stop();
        settle(undefined);
      };
      const timer = setTimeout(lose, TIME_MS);
      child.once('exit', lose);
      lines.once('line', (line) => {
        const { value, error } = JSON.parse(line) as { value?: T; error?: string };
        settle(error === undefined ? value : new Error(error));
      });
      child.stdin!.write(`${JSON.stringify({ what, path })}\n`);
    });
  }
}

function startReader(): ChildProcess {
  const child = spawn(PYTHON!, [READER], { stdio: ['pipe', 'pipe', 'ignore'] });
  // `exit` reports its end.
  child.stdin!.on('error', () => {});
  return child;
}
