import { afterEach, expect, test, vi } from 'vitest';
import { numberVariable } from '../../workers/src/app/environment.ts';
import { UsageError } from '../../workers/src/base/errors.ts';
import { fetchModel } from '../../workers/src/embed/fetch-model.ts';
import { unitRows } from '../../workers/src/ingest/units.ts';
import { closeS3, openS3 } from '../../workers/src/s3/client.ts';

const NAME = 'LANCEFLOW_TRIED';

afterEach(async () => {
  vi.unstubAllEnvs();
  await closeS3();
});

test.each([
  ['', 7],
  [' ', 7],
  ['3', 3],
  [' 12 ', 12],
])('a variable with %j is %d', (text, value) => {
  vi.stubEnv(NAME, text);
  expect(numberVariable(NAME, 7, { least: 1, most: 12 })).toBe(value);
});

test.each(['0', '13', '-3', '1.5', '3s', '1e1', '0x3', 'NaN', 'Infinity', '1.2.3'])('%j is refused', (text) => {
  vi.stubEnv(NAME, text);
  const read = () => numberVariable(NAME, 7, { least: 1, most: 12 });
  expect(read).toThrow(UsageError);
  expect(read).toThrow(`${NAME} must be a whole number from 1 to 12, not "${text}". Correct or unset the variable.`);
});

test('decimals are read where they are allowed', () => {
  vi.stubEnv(NAME, '0.05');
  expect(numberVariable(NAME, 3, { least: 0.01, decimals: true })).toBe(0.05);
  vi.stubEnv(NAME, '0');
  expect(() => numberVariable(NAME, 3, { least: 0.01, decimals: true })).toThrow(/a number from 0.01, not "0"/);
});

test('wrong variables are refused where they are first read', async () => {
  vi.stubEnv('LANCEFLOW_UNIT_BYTES', '16MB');
  expect(() => unitRows(1000, 64)).toThrow(
    /LANCEFLOW_UNIT_BYTES must be a whole number from 1 to 1073741824, not "16MB"/,
  );
  for (const name of ['LANCEFLOW_S3_STALL_MS', 'LANCEFLOW_S3_GIVE_UP_MS']) {
    vi.stubEnv(name, '10s');
    await expect(openS3('s3://bucket')).rejects.toThrow(`${name} must be a whole number`);
    vi.stubEnv(name, '');
    await closeS3();
  }
  vi.stubEnv('LANCEFLOW_MODELS', 's3://bucket/models');
  await expect(fetchModel('s3://bucket/model')).rejects.toThrow(/LANCEFLOW_MODELS s3:/);
});
