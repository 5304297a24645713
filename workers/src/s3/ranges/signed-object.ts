import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { AwsCredentialIdentity, HttpRequest } from '@smithy/types';
import { countReceived, countRequest } from '../../app/usage.ts';
import { type S3Bucket, stallMs } from '../client.ts';
import { type ByteSink, drain } from '../drain.ts';
import { isRange } from '../handler.ts';
import type { S3Error } from '../s3-errors.ts';

/** Time for which a URL is signed, at most; it is signed again after half of it. */
const SIGNED_SECONDS = 3600;
/** The first bytes of an error's body, which name it. */
const ERROR_BYTES = 1000;
/** Objects whose signature a service refuses under the same credentials, until no more are tried. */
const MOST_REFUSALS = 3;
/** Answers to a signature that a service does not accept, or does not know. */
const REFUSALS = new Set([400, 401, 403, 405, 501]);

/** Headers of the SDK's request that belong to its own signature, or to that request alone. */
const OWN_HEADERS = /^x-amz-(date|content-sha256|security-token|user-agent|checksum-mode)$/;

interface SignedUrl {
  protocol: string;
  /** Without the brackets of an IPv6 address. */
  hostname: string;
  port: number | undefined;
  path: string;
  userAgent: string;
  credentials: AwsCredentialIdentity;
  untilMs: number;
}

/**
 * An object whose ranges are requested with a URL that is signed once (SigV4 in the query, which leaves the range unsigned). The SDK takes
 * about a millisecond of CPU time for each request, which is longer than the transfer of a small range. The SDK makes the first request
 * to a bucket, so it decides about addresses, regions and signatures, and every request that the service refuses, so errors are the SDK's.
 */
export class SignedObject {
  readonly #s3: S3Bucket;
  readonly #path: string;
  #signed: SignedUrl | undefined;
  /** Of the object's first answer: all ranges are of one version. */
  etag: string | undefined;

  /** @param path below the place */
  constructor(s3: S3Bucket, path: string) {
    this.#s3 = s3;
    this.#path = encodeKey(s3.key(path));
  }

  /** Keeps the address of a request of the SDK that was answered. */
  learn(sent: HttpRequest | undefined, etag: string | undefined): void {
    this.etag ??= etag;
    // Others than S3's own signature, as of access points of some kinds, cannot be made here.
    if (!sent?.path.endsWith(this.#path) || scopeOf(sent)?.service !== 's3') return;
    const { addresses } = this.#s3.service;
    const { bucket } = this.#s3.location;
    if (!addresses.has(bucket)) addresses.set(bucket, { ...sent, path: sent.path.slice(0, -this.#path.length) });
  }

  /**
   * Requests a range.
   * @param sink receives its bytes, which the caller counts
   * @returns false where the SDK must make the request
   * @throws S3Error for faults that may pass, and errors of the connection
   */
  async get(range: string, bytes: number, sink: ByteSink, signal?: AbortSignal): Promise<boolean> {
    const url = await this.#url();
    if (!url) return false;
    const answer = await this.#send(url, range, signal);
    const { statusCode = 0, headers } = answer;
    if (isRange({ statusCode, headers }, bytes, range)) {
      this.etag ??= headers.etag;
      if (headers.etag !== this.etag) {
        // The SDK asks for the version, which no longer exists.
        answer.destroy();
        return false;
      }
      await drain(answer, sink);
      return true;
    }
    const isRefusal = REFUSALS.has(statusCode);
    if ((statusCode >= 500 && !isRefusal) || statusCode === 429) throw await passingFault(answer);
    answer.destroy();
    // Requests under way at once may all be refused. An absent or changed object is no refusal.
    if (isRefusal && this.#signed === url) this.#refused(url);
    this.#signed = undefined;
    return false;
  }

  #send(url: SignedUrl, range: string, signal?: AbortSignal): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const { protocol, hostname, port, path } = url;
    const isHttps = protocol === 'https:';
    const { httpAgent, httpsAgent } = this.#s3.agents;
    const headers: Record<string, string> = { Range: range, 'User-Agent': url.userAgent };
    if (this.etag !== undefined) headers['If-Match'] = this.etag;
    const options = { protocol, hostname, port, path, headers, timeout: stallMs(), ...(signal ? { signal } : {}) };
    countRequest();
    const request = isHttps
      ? requestHttps({ ...options, agent: httpsAgent })
      : requestHttp({ ...options, agent: httpAgent });
    request.on('timeout', () => {
      const error = Object.assign(new Error('the connection receives nothing'), { name: 'TimeoutError' });
      request.destroy(error);
    });
    request.on('response', resolve);
    request.on('error', reject);
    request.end();
    return promise;
  }

  /** Counts a refusal. New credentials are tried again: those of a session may have expired. */
  #refused({ credentials }: SignedUrl): void {
    const { refusedSignatures } = this.#s3.service;
    refusedSignatures.set(credentials, (refusedSignatures.get(credentials) ?? 0) + 1);
  }

  async #url(): Promise<SignedUrl | undefined> {
    const { service, location, client } = this.#s3;
    const sent = service.addresses.get(location.bucket);
    if (!sent) return undefined;
    // The SDK reports what is wrong with them.
    const credentials = await client.config.credentials().catch(() => undefined);
    if (!credentials || (service.refusedSignatures.get(credentials) ?? 0) >= MOST_REFUSALS) return undefined;
    if (this.#signed?.credentials !== credentials || Date.now() > this.#signed.untilMs)
      this.#signed = await sign(this.#s3, { ...sent, path: sent.path + this.#path }, credentials);
    return this.#signed;
  }
}

/** Encodes a key as the SDK does. */
function encodeKey(key: string): string {
  const encode = (part: string) =>
    encodeURIComponent(part).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return key.split('/').map(encode).join('/');
}

async function sign(s3: S3Bucket, sent: HttpRequest, credentials: AwsCredentialIdentity): Promise<SignedUrl> {
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const { protocol, hostname, port, path } = sent;
  const { sha256, systemClockOffset } = s3.client.config;
  const { region, service } = scopeOf(sent)!;
  const signer = new SignatureV4({ credentials, region, service, sha256, uriEscapePath: false });
  const own = Object.entries(sent.headers).filter(
    ([name]) => /^(host|x-amz-.*)$/i.test(name) && !OWN_HEADERS.test(name),
  );
  const headers = { ...Object.fromEntries(own), 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' };
  const nowMs = Date.now();
  const leftSeconds = Math.floor(((credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - nowMs) / 1000);
  const expiresIn = Math.max(1, Math.min(SIGNED_SECONDS, leftSeconds));
  const signed = await signer.presign(
    { method: 'GET', protocol, hostname, ...(port === undefined ? {} : { port }), path, headers, query: {} },
    { expiresIn, signingDate: new Date(nowMs + systemClockOffset) },
  );
  const query = Object.entries(signed.query ?? {}).map(([name, value]) => `${name}=${encodeURIComponent(`${value}`)}`);
  const untilMs = nowMs + 500 * expiresIn;
  return {
    protocol,
    hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    path: `${path}?${query.join('&')}`,
    userAgent: sent.headers['user-agent'] ?? '',
    credentials,
    untilMs,
  };
}

/** Returns region and service of a signed request. */
function scopeOf({ headers }: HttpRequest): { region: string; service: string } | undefined {
  const found = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? '');
  return found ? { region: found[1]!, service: found[2]! } : undefined;
}

/** Reads the error of an answer, as the SDK would name it. */
async function passingFault(answer: IncomingMessage): Promise<S3Error> {
  countReceived(answer.headers['content-length']);
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) if (text.length < ERROR_BYTES) text += chunk;
  const error: S3Error = new Error(/<Message>([^<]*)</.exec(text)?.[1] ?? `status ${answer.statusCode}`);
  error.name = /<Code>([^<]*)</.exec(text)?.[1] ?? 'Unknown';
  error.$metadata = { httpStatusCode: answer.statusCode ?? 0 };
  return error;
}
