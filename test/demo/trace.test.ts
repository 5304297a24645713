import { expect, test } from 'vitest';
import { table } from '../../demo/summary.ts';
import { stageTimes } from '../../demo/trace.ts';

test('sums the trace by process, whatever the columns', () => {
  const trace = [
    'task_id\tname\tstatus\tduration\trealtime',
    '1\tSEARCH:EMBED_SEQUENCES (queries (2).fasta)\tCACHED\t2.3s\t2.1s',
    '2\tBUILD:EMBED_SEQUENCES (a.fasta)\tCOMPLETED\t2.3s\t2.5s',
    '3\tBUILD:PACK_BUCKETS\tCOMPLETED\t9s\t350ms',
    '4\tBUILD:INDEX_BUCKET (bucket_00001)\tCOMPLETED\t9s\t1h 2m 3.5s',
    '5\tBUILD:INDEX_BUCKET (bucket_00002)\tFAILED\t9s\t-',
    '',
  ].join('\n');
  expect(stageTimes(trace)).toEqual([
    { process: 'EMBED_SEQUENCES', tasks: 2, cached: 1, seconds: 2.5 },
    { process: 'PACK_BUCKETS', tasks: 1, cached: 0, seconds: 0.35 },
    { process: 'INDEX_BUCKET', tasks: 2, cached: 0, seconds: 3723.5 },
  ]);
});

test('columns of tables are aligned', () => {
  expect(table(['a', 'count'], [['long name', '5']])).toBe('  a           count\n  long name       5');
});
