import { expect, test } from 'vitest';
import { UsageError } from '../../workers/src/base/errors.ts';
import { s3Settings, s3Variables } from '../../workers/src/s3/settings.ts';

const PAYER = 'x-amz-request-payer';
const ENCRYPTION = 'x-amz-server-side-encryption';

test('settings of the environment become headers', () => {
  expect(s3Settings({})).toEqual({ all: {}, created: {} });
  expect(s3Settings({ LANCEFLOW_S3_REQUESTER_PAYS: '', LANCEFLOW_S3_KMS_KEY: '' })).toEqual({ all: {}, created: {} });
  expect(s3Settings({ LANCEFLOW_S3_REQUESTER_PAYS: 'false' })).toEqual({ all: {}, created: {} });
  expect(s3Settings({ LANCEFLOW_S3_REQUESTER_PAYS: 'true' }).all).toEqual({ [PAYER]: 'requester' });
  expect(s3Settings({ LANCEFLOW_S3_ENCRYPTION: 'AES256' }).created).toEqual({ [ENCRYPTION]: 'AES256' });
  const key = 'alias/lanceflow';
  expect(s3Settings({ LANCEFLOW_S3_KMS_KEY: key }).created).toEqual({
    [ENCRYPTION]: 'aws:kms',
    [`${ENCRYPTION}-aws-kms-key-id`]: key,
  });
});

test.each([
  [{ LANCEFLOW_S3_REQUESTER_PAYS: 'yes' }, /must be true or false, not "yes"/],
  [{ LANCEFLOW_S3_ENCRYPTION: 'kms' }, /must be AES256, aws:kms or aws:kms:dsse, not "kms"/],
  [{ LANCEFLOW_S3_ENCRYPTION: 'AES256', LANCEFLOW_S3_KMS_KEY: 'a' }, /Set only one of the two/],
  [{ LANCEFLOW_S3_KMS_KEY: 'a key\r\nx-amz-acl: public-read' }, /must be the id, alias or ARN of a key/],
])('%o is refused', (env, message) => {
  expect(() => s3Settings(env)).toThrow(message);
  expect(() => s3Settings(env)).toThrow(UsageError);
});

test('the parameters of the pipeline set them', () => {
  expect(s3Settings(s3Variables({}))).toEqual({ all: {}, created: {} });
  expect(s3Settings(s3Variables({ s3_requester_pays: false }))).toEqual({ all: {}, created: {} });
  const { all, created } = s3Settings(
    s3Variables({ s3_requester_pays: true, s3_encryption: 'aws:kms', s3_kms_key: 'a-1' }),
  );
  expect(all).toEqual({ [PAYER]: 'requester' });
  expect(created).toEqual({ [ENCRYPTION]: 'aws:kms', [`${ENCRYPTION}-aws-kms-key-id`]: 'a-1' });
});
