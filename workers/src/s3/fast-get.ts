import { connect as connectPlain, isIP, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { formatRequest, parseHead, type ResponseHead, type SignedRequest } from './http-head.ts';

/**
 * Receives the bytes of a body: the socket reads into `buffer()`, then calls `filled`. Node's HTTP client allocates a buffer for every
 * 64 kB instead, which costs as much CPU time as everything else.
 */
export interface ByteSink {
  /** Returns the space for the next bytes, at least one byte. */
  buffer(): Buffer;
  /** Must be called with the count of bytes read. If it returns a promise, reading pauses until it resolves. */
  filled(bytes: number): undefined | Promise<void>;
}

export interface FastAnswer {
  headers: Record<string, string>;
  /** Resolves when the sink has the whole body; rejected where the connection ends before. */
  body: Promise<void>;
}

export interface Timeouts {
  connectMs: number;
  stallMs: number;
}

const HEAD_BYTES = 16 * 2 ** 10;

/** Idle connections by origin. */
const idle = new Map<string, Connection[]>();

/** Closes the idle connections. */
export function closeFastConnections(): void {
  for (const connections of idle.values()) for (const connection of [...connections]) connection.socket.destroy();
  idle.clear();
}

/**
 * Sends a ranged GET and reads the response body into the sink.
 * @returns undefined for any other response: the caller repeats the request with a complete HTTP client
 */
export async function fastGet(
  request: SignedRequest,
  sink: ByteSink,
  timeouts: Timeouts,
  signal?: AbortSignal,
): Promise<FastAnswer | undefined> {
  signal?.throwIfAborted();
  const origin = `${request.protocol}//${request.hostname}:${request.port ?? ''}`;
  const waiting = idle.get(origin) ?? [];
  idle.set(origin, waiting);
  const connection = waiting.pop() ?? new Connection(request, timeouts, waiting);
  const stop = () => connection.fail(new DOMException('stopped', 'AbortError'));
  signal?.addEventListener('abort', stop, { once: true });
  const answer = await connection.ask(request, sink).catch((error: unknown) => {
    signal?.removeEventListener('abort', stop);
    throw error;
  });
  const forget = () => signal?.removeEventListener('abort', stop);
  answer?.body.then(forget, forget);
  if (!answer) forget();
  return answer;
}

/** A connection with one request at a time. */
class Connection {
  readonly socket: Socket;
  readonly #waiting: Connection[];
  readonly #scratch = Buffer.allocUnsafe(HEAD_BYTES);
  #headBytes = 0;
  #sink: ByteSink | undefined;
  /** Bytes of the body not received yet. */
  #rest = 0;
  #closes = false;
  /** The sink is busy: further bytes are kept in `#early`. */
  #isPaused = false;
  #inScratch = false;
  readonly #early: Buffer[] = [];
  #onHead: ((head: ResponseHead | undefined) => void) | undefined;
  #onBody: ((error?: unknown) => void) | undefined;

  constructor(request: SignedRequest, { connectMs, stallMs }: Timeouts, waiting: Connection[]) {
    this.#waiting = waiting;
    const secure = request.protocol === 'https:';
    const host = request.hostname.replace(/^\[(.*)\]$/, '$1');
    const onread = { buffer: () => this.#buffer(), callback: (bytes: number) => this.#read(bytes) };
    const options: NetConnectOpts = { host, port: request.port ?? (secure ? 443 : 80), onread };
    const name = isIP(host) === 0 ? { servername: host } : {};
    this.socket = secure ? connectTls({ ...options, ...name }) : connectPlain(options);
    const connecting = setTimeout(() => this.fail(timeout('no connection')), connectMs);
    this.socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(connecting));
    this.socket.setTimeout(stallMs, () => this.fail(timeout('no answer')));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => {
      clearTimeout(connecting);
      const place = waiting.indexOf(this);
      if (place >= 0) waiting.splice(place, 1);
      this.fail(Object.assign(new Error('aborted: the connection was closed'), { code: 'ECONNRESET' }));
    });
  }

  async ask(request: SignedRequest, sink: ByteSink): Promise<FastAnswer | undefined> {
    this.socket.ref();
    this.#headBytes = 0;
    this.#sink = sink;
    const body = new Promise<void>((resolve, reject) => {
      this.#onBody = (error) => (error === undefined ? resolve() : reject(error));
    });
    body.catch(() => {}); // the caller awaits the head, then the body
    const head = new Promise<ResponseHead | undefined>((resolve) => {
      this.#onHead = resolve;
    });
    this.socket.write(formatRequest(request));
    const answer = await Promise.race([head, body.then(() => head)]);
    if (!answer) this.socket.destroy();
    return answer && { headers: answer.headers, body };
  }

  fail(error: unknown): void {
    const done = this.#onBody;
    this.#onBody = this.#onHead = undefined;
    this.socket.destroy();
    done?.(error);
  }

  /** Returns the space for the next read, which Node requests even while the sink is busy. */
  #buffer(): Buffer {
    if (this.#onHead) return this.#scratch.subarray(this.#headBytes);
    this.#inScratch = this.#isPaused || this.#rest === 0;
    return this.#inScratch ? this.#scratch : this.#sink!.buffer().subarray(0, this.#rest);
  }

  /** @returns whether to continue reading; bytes that TLS has decrypted arrive anyway */
  #read(bytes: number): boolean {
    if (this.#onHead) return this.#readHead(bytes);
    if (!this.#inScratch) return this.#take(bytes, undefined);
    const piece = Buffer.from(this.#scratch.subarray(0, bytes));
    if (!this.#isPaused) return this.#copy(piece);
    this.#early.push(piece);
    return false;
  }

  #readHead(bytes: number): boolean {
    this.#headBytes += bytes;
    const received = this.#scratch.subarray(0, this.#headBytes);
    const end = received.indexOf('\r\n\r\n');
    if (end < 0 && this.#headBytes < HEAD_BYTES) return true;
    const head = end < 0 ? undefined : parseHead(received.toString('latin1', 0, end));
    this.#onHead!(head);
    this.#onHead = undefined;
    if (!head) return false;
    this.#rest = head.contentLength;
    this.#closes = head.closes;
    const body = Buffer.from(received.subarray(end + 4));
    return body.length > 0 ? this.#copy(body) : this.#rest > 0 || this.#take(0, undefined);
  }

  /** Copies bytes from another buffer to the sink. */
  #copy(body: Buffer): boolean {
    if (body.length > this.#rest) {
      this.fail(new Error('aborted: more bytes than were announced'));
      return false;
    }
    const copied = body.copy(this.#sink!.buffer());
    return this.#take(copied, copied < body.length ? body.subarray(copied) : undefined);
  }

  /** Accounts for bytes in the sink. @param more bytes that were received already */
  #take(bytes: number, more: Buffer | undefined): boolean {
    this.#rest -= bytes;
    const busy = bytes > 0 ? this.#sink!.filled(bytes) : undefined;
    if (!busy && more) return this.#copy(more);
    if (!busy && this.#rest > 0) return true;
    this.#isPaused = true;
    const goOn = () => {
      this.#isPaused = false;
      const early = more ? [more, ...this.#early.splice(0)] : this.#early.splice(0);
      if (early.length > 0) {
        // The copy waits for the sink again, or has finished.
        if (this.#copy(Buffer.concat(early)) && !this.#isPaused) this.socket.resume();
      } else if (this.#rest === 0) this.#finish();
      else this.socket.resume();
    };
    (busy ?? Promise.resolve()).then(goOn, (error) => this.fail(error));
    // After the body, reading continues, to notice when the server closes the connection.
    return this.#rest === 0;
  }

  #finish(): void {
    const done = this.#onBody;
    this.#onBody = undefined;
    if (this.#closes) this.socket.destroy();
    else if (!this.socket.destroyed) {
      // Reading may be paused although all bytes have arrived: without this, the next response would never be read.
      this.socket.resume();
      this.#waiting.push(this);
      this.socket.unref();
    }
    done?.();
  }
}

function timeout(what: string): Error {
  return Object.assign(new Error(what), { name: 'TimeoutError' });
}
