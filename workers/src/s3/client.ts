import type { S3Client } from '@aws-sdk/client-s3';
import type { AwsCredentialIdentity, InitializeHandler, InitializeHandlerArguments } from '@smithy/types';
import { numberVariable } from '../app/environment.ts';
import { formatS3Uri, objectKey, parseS3Uri, type S3Location } from '../base/s3-location.ts';
import { type Agents, makeAgents } from './agents.ts';
import { withSinks } from './handler.ts';
import { giveUpMs, MOST_MS, retryStrategy } from './retry.ts';
import { isExpired, type S3Error, toS3UserError } from './s3-errors.ts';
import { type S3Service, unknownService } from './service.ts';
import { type S3Settings, s3Settings } from './settings.ts';

/** Timeout for opening a connection. */
export const CONNECT_MS = 5_000;
const MAX_SOCKETS = 64;
/** Other services than Amazon S3 send nothing while they assemble parts: a longer timeout, by this factor. */
const ASSEMBLY_FACTOR = 5;

/** A place on S3 and the process's client for it. */
export interface S3Bucket {
  readonly location: S3Location;
  /** `s3://bucket/prefix`. */
  readonly uri: string;
  readonly client: S3Client;
  /** The connections of the client. */
  readonly agents: Agents;
  /** The address of the service, for messages. */
  readonly endpoint: string;
  /** Capabilities of the service that are known so far. */
  readonly service: S3Service;
  /** Key of an object by its path below the place. */
  key(path: string): string;
}

/** Returns the timeout for a connection that receives nothing; its request is repeated. @throws UsageError if LANCEFLOW_S3_STALL_MS is wrong */
export function stallMs(): number {
  return numberVariable('LANCEFLOW_S3_STALL_MS', 10_000, { least: 1, most: MOST_MS });
}

let shared: Promise<{ client: S3Client; agents: Agents }> | undefined;
let service = unknownService();

/**
 * Opens `s3://bucket/prefix`, without a request. Endpoint, region and credentials come from the environment, the profile or the
 * machine's role, as with every AWS tool. All errors of the client are UserErrors, except absent objects and failed preconditions.
 * @throws UsageError where the address or a LANCEFLOW_S3_ setting is wrong
 */
export async function openS3(uri: string): Promise<S3Bucket> {
  const location = parseS3Uri(uri);
  shared ??= makeClient();
  const { client, agents } = await shared;
  const key = (path: string) => objectKey(location, path);
  return { location, uri: formatS3Uri(location), client, agents, endpoint: endpointName(), service, key };
}

/** Closes the connections of the client; the next `openS3` reads the environment again. */
export async function closeS3(): Promise<void> {
  // One that could not be opened has nothing to close.
  const opened = await shared?.catch(() => undefined);
  shared = undefined;
  service = unknownService();
  opened?.client.destroy();
}

async function makeClient(): Promise<{ client: S3Client; agents: Agents }> {
  // Imported on demand: commands on local databases must not wait for it.
  const [{ S3Client }, { NodeHttpHandler }, { defaultProvider }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@smithy/node-http-handler'),
    import('@aws-sdk/credential-provider-node'),
  ]);
  const endpoint = process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL;
  const region = process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION;
  const settings = s3Settings();
  // Wrong limits are refused before the first request.
  giveUpMs();
  const common = { connectionTimeout: CONNECT_MS };
  const agents = makeAgents(MAX_SOCKETS);
  const client = new S3Client({
    // Other services do not support bucket names in host names, and mostly no regions.
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
    ...(region || endpoint ? { region: region || 'us-east-1' } : {}),
    retryStrategy,
    // A new provider chain for each call, so that files and endpoints are read again when a session has expired.
    credentials: (identity) => defaultProvider({ ignoreCache: true })(identity),
    // It would open a new connection for each part.
    expectContinueHeader: false,
    // LanceFlow checks bodies while it writes them, against the catalog.
    responseChecksumValidation: 'WHEN_REQUIRED',
    // LanceFlow adds its own checksums; not all services support the SDK's headers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: withSinks(
      new NodeHttpHandler({ ...common, socketTimeout: stallMs(), ...agents }),
      new NodeHttpHandler({ ...common, socketTimeout: ASSEMBLY_FACTOR * stallMs() }),
    ),
  });
  addMiddleware(client, endpointName(), settings);
  return { client, agents };
}

function endpointName(): string {
  return process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL || 'Amazon S3';
}

function addMiddleware(client: S3Client, endpoint: string, settings: S3Settings): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const { Bucket, Key, Prefix, IfMatch, IfNoneMatch } = args.input as Record<string, string | undefined>;
      const object = Bucket === undefined ? '' : ` ${formatS3Uri({ bucket: Bucket, prefix: '' }, Key ?? Prefix)}`;
      const operation = (context.commandName ?? 'request').replace(/Command$/, '');
      try {
        return (await withFreshCredentials(client, next as InitializeHandler<object, object>, args)) as never;
      } catch (error) {
        throw toS3UserError(error, `${operation}${object}`, endpoint, (IfMatch ?? IfNoneMatch) !== undefined);
      }
    },
    { step: 'initialize', priority: 'high', name: 'lanceflowErrors' },
  );
  client.middlewareStack.add(
    (next, context) => (args) => {
      const request = args.request as { headers: Record<string, string> };
      const command = context.commandName ?? '';
      // Bodies are covered by their CRC-64 or MD5, which is signed; an additional SHA-256 would take longer than the transfer.
      if (/^(PutObject|UploadPart)Command$/.test(command)) request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      Object.assign(request.headers, settings.all);
      if (/^(PutObject|CreateMultipartUpload)Command$/.test(command)) Object.assign(request.headers, settings.created);
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'lanceflowUnsignedPayload' },
  );
}

/** Retries once with fresh credentials after a session has expired early, if the provider has others. */
async function withFreshCredentials(
  client: S3Client,
  next: InitializeHandler<object, object>,
  args: InitializeHandlerArguments<object>,
) {
  const credentials = client.config.credentials as (options?: object) => Promise<AwsCredentialIdentity>;
  // The request below reports what is wrong with them.
  const before = await credentials().catch(() => undefined);
  try {
    return await next(args);
  } catch (error) {
    if (!isExpired(error as S3Error)) throw error;
    // Of concurrent requests, only the first refreshes the credentials.
    const now = await credentials();
    const fresh = now.sessionToken === before?.sessionToken ? await credentials({ forceRefresh: true }) : now;
    if (fresh.sessionToken === before?.sessionToken && fresh.accessKeyId === before?.accessKeyId) throw error;
    return next(args);
  }
}
