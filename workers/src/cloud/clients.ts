import type { Batch } from '@aws-sdk/client-batch';
import type { CloudWatchLogs } from '@aws-sdk/client-cloudwatch-logs';
import type { ECR } from '@aws-sdk/client-ecr';
import { UsageError } from '../base/errors.ts';
import { toAwsUserError } from './aws-errors.ts';

// The SDK is loaded where it is used: no other command waits for it.

const CONNECT_MS = 5_000;
const ANSWER_MS = 20_000;

/**
 * The region to work in: the one given, or that of the environment or of the AWS profile. It becomes the region of every client of
 * this process.
 * @throws UsageError where there is none
 */
export async function useRegion(given: string | undefined): Promise<string> {
  if (given !== undefined && !/^[a-z]{2}(-[a-z]+)+-\d$/.test(given))
    throw new UsageError(`aws_region ${JSON.stringify(given)} is not the name of an AWS region: eu-central-1, say.`);
  const { Batch } = await import('@aws-sdk/client-batch');
  const wanted = given ?? (process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || undefined);
  try {
    const region = wanted ?? (await new Batch({}).config.region());
    process.env.AWS_REGION = region;
    return region;
  } catch (error) {
    throw toAwsUserError(error, 'region', 'AWS');
  }
}

/** All errors of the clients are UserErrors, but those that are bugs. */
export async function openBatch(region: string): Promise<Batch> {
  const { Batch } = await import('@aws-sdk/client-batch');
  const client = new Batch(await options(region));
  client.middlewareStack.add(translating(`AWS Batch in ${region}`), { step: 'initialize', priority: 'high' });
  return client;
}

export async function openLogs(region: string): Promise<CloudWatchLogs> {
  const { CloudWatchLogs } = await import('@aws-sdk/client-cloudwatch-logs');
  const client = new CloudWatchLogs(await options(region));
  client.middlewareStack.add(translating(`CloudWatch Logs in ${region}`), { step: 'initialize', priority: 'high' });
  return client;
}

export async function openEcr(region: string): Promise<ECR> {
  const { ECR } = await import('@aws-sdk/client-ecr');
  const client = new ECR(await options(region));
  client.middlewareStack.add(translating(`ECR in ${region}`), { step: 'initialize', priority: 'high' });
  return client;
}

async function options(region: string) {
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const requestHandler = new NodeHttpHandler({ connectionTimeout: CONNECT_MS, socketTimeout: ANSWER_MS });
  return { region, maxAttempts: 4, requestHandler };
}

/** A middleware that says what was asked, and where, in every error. */
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
