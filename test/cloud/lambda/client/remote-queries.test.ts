import { expect, test } from 'vitest';
import { UsageError } from '../../../../workers/src/base/errors.ts';
import { MOST_EVENT_BYTES } from '../../../../workers/src/cloud/lambda/ask-event.ts';
import { sequencesForEvent } from '../../../../workers/src/cloud/lambda/client/remote-queries.ts';

const RECORD = '>a\nMK\n';

test('sequences are limited by their bytes in the event, in which a line feed has two', async () => {
  // As text it would fit, as JSON it does not.
  const text = RECORD.repeat(38_000);
  expect(Buffer.byteLength(text)).toBeLessThan(MOST_EVENT_BYTES - 32 * 1024);
  expect(Buffer.byteLength(JSON.stringify(text))).toBeGreaterThan(MOST_EVENT_BYTES);
  const refused = sequencesForEvent({ kind: 'text', text });
  await expect(refused).rejects.toThrow(UsageError);
  await expect(refused).rejects.toThrow(/304002 bytes as JSON, but the stack embeds at most 229376/);
  const fitting = RECORD.repeat(28_000);
  expect(await sequencesForEvent({ kind: 'text', text: fitting })).toEqual({ sequences: fitting });
});
