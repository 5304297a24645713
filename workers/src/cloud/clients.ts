import type { Batch } from '@aws-sdk/client-batch';
import type { CloudWatchLogs } from '@aws-sdk/client-cloudwatch-logs';
import type { ECR } from '@aws-sdk/client-ecr';
import type { SFN } from '@aws-sdk/client-sfn';
import { UsageError } from '../base/errors.ts';
import { toAwsUserError } from './aws-errors.ts';
import { AWS } from './cloud-messages.ts';

// The SDK is imported where it is used, so that other commands start without it.

const CONNECT_MS = 5_000;
const ANSWER_MS = 20_000;

/**
 * Selects the AWS region of all clients of this process: the requested one, else that of the environment or the AWS profile.
 * @throws UsageError if none is set, or if the name is malformed
 */
export async function useRegion(requested: string | undefined): Promise<string> {
  if (requested !== undefined && !/^[a-z]{2}(-[a-z]+)+-\d$/.test(requested))
    throw new UsageError(AWS.invalidRegion(requested));
  const { Batch } = await import('@aws-sdk/client-batch');
  const named = requested ?? (process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || undefined);
  try {
    const region = named ?? (await new Batch({}).config.region());
    process.env.AWS_REGION = region;
    return region;
  } catch (error) {
    throw toAwsUserError(error, 'region', 'AWS');
  }
}

/** Opens a client whose errors are UserErrors, apart from bugs. */
export async function openBatch(region: string): Promise<Batch> {
  const { Batch } = await import('@aws-sdk/client-batch');
  const client = new Batch(await options(region));
  client.middlewareStack.add(translating(`AWS Batch in ${region}`), { step: 'initialize', priority: 'high' });
  return client;
}

/** Opens a client as `openBatch` does. */
export async function openLogs(region: string): Promise<CloudWatchLogs> {
  const { CloudWatchLogs } = await import('@aws-sdk/client-cloudwatch-logs');
  const client = new CloudWatchLogs(await options(region));
  client.middlewareStack.add(translating(`CloudWatch Logs in ${region}`), { step: 'initialize', priority: 'high' });
  return client;
}

/** Opens a client as `openBatch` does. */
export async function openEcr(region: string): Promise<ECR> {
  const { ECR } = await import('@aws-sdk/client-ecr');
  const client = new ECR(await options(region));
  client.middlewareStack.add(translating(`ECR in ${region}`), { step: 'initialize', priority: 'high' });
  return client;
}

/** Opens a client as `openBatch` does. */
export async function openStates(region: string): Promise<SFN> {
  const { SFN } = await import('@aws-sdk/client-sfn');
  const client = new SFN(await options(region));
  client.middlewareStack.add(translating(`Step Functions in ${region}`), { step: 'initialize', priority: 'high' });
  return client;
}

async function options(region: string) {
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const requestHandler = new NodeHttpHandler({ connectionTimeout: CONNECT_MS, socketTimeout: ANSWER_MS });
  return { region, maxAttempts: 4, requestHandler };
}

/** Creates a middleware that turns errors into UserErrors with the request and the service. */
function translating(where: string) {
  return <A, R>(next: (args: A) => Promise<R>, context: { commandName?: string }) =>
    async (args: A): Promise<R> => {
      try {
        return await next(args);
      } catch (error) {
        throw toAwsUserError(error, (context.commandName ?? 'request').replace(/Command$/, ''), where);
      }
    };
}
