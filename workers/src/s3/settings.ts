import { UsageError } from '../base/errors.ts';

/** Request headers from the environment. */
export interface S3Settings {
  /** For every request. */
  all: Record<string, string>;
  /** For requests that create an object. */
  created: Record<string, string>;
}

/** Returns the variables for `s3Settings`, as the pipeline sets them for its tasks (nextflow.config). @param params as given */
export function s3Variables(params: Record<string, unknown>): Record<string, string> {
  const { s3_requester_pays: pays, s3_encryption: encryption, s3_kms_key: key } = params;
  return {
    ...(String(pays) === 'true' ? { LANCEFLOW_S3_REQUESTER_PAYS: 'true' } : {}),
    ...(typeof encryption === 'string' ? { LANCEFLOW_S3_ENCRYPTION: encryption } : {}),
    ...(typeof key === 'string' ? { LANCEFLOW_S3_KMS_KEY: key } : {}),
  };
}

const ENCRYPTIONS = ['AES256', 'aws:kms', 'aws:kms:dsse'];

/**
 * Reads LANCEFLOW_S3_REQUESTER_PAYS (`true` or `false`), LANCEFLOW_S3_ENCRYPTION (`AES256`, `aws:kms` or `aws:kms:dsse`) and
 * LANCEFLOW_S3_KMS_KEY (id or ARN of a key; implies `aws:kms`).
 * @throws UsageError for any other value
 */
export function s3Settings(env: NodeJS.ProcessEnv = process.env): S3Settings {
  const pays = env.LANCEFLOW_S3_REQUESTER_PAYS || 'false';
  const key = env.LANCEFLOW_S3_KMS_KEY || undefined;
  const encryption = env.LANCEFLOW_S3_ENCRYPTION || (key === undefined ? undefined : 'aws:kms');
  if (pays !== 'true' && pays !== 'false')
    throw new UsageError(`LANCEFLOW_S3_REQUESTER_PAYS must be true or false, not ${JSON.stringify(pays)}.`);
  if (encryption !== undefined && !ENCRYPTIONS.includes(encryption))
    throw new UsageError(
      `LANCEFLOW_S3_ENCRYPTION must be ${ENCRYPTIONS.join(', ').replace(/, ([^,]*)$/, ' or $1')}, not ${JSON.stringify(encryption)}.`,
    );
  if (key !== undefined && (encryption === 'AES256' || !/^[A-Za-z0-9:/_-]+$/.test(key)))
    throw new UsageError(
      encryption === 'AES256'
        ? 'LANCEFLOW_S3_KMS_KEY is for LANCEFLOW_S3_ENCRYPTION=aws:kms. Set only one of the two.'
        : `LANCEFLOW_S3_KMS_KEY must be the id, alias or ARN of a key, not ${JSON.stringify(key)}.`,
    );
  return {
    all: pays === 'true' ? { 'x-amz-request-payer': 'requester' } : {},
    created: {
      ...(encryption === undefined ? {} : { 'x-amz-server-side-encryption': encryption }),
      ...(key === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': key }),
    },
  };
}
