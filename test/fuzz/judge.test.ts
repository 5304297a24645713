import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Case, StepResult } from '../../fuzz/engine/case.ts';
import { diceOf, runOnce } from '../../fuzz/engine/one-run.ts';
import type { Ending } from '../../fuzz/engine/pool.ts';
import { csvColumn } from '../../fuzz/oracle/csv.ts';
import { readFastaPlainly } from '../../fuzz/oracle/fasta.ts';
import { temporaryFolder } from '../support/run.ts';

const LIMITS = { timeMs: 1000, memoryBytes: 1e6 };
const OK: StepResult = { code: 0, stdout: '{"rows":1}', stderr: '' };
const refused = (code: number, stderr: string): StepResult => ({ code, stdout: '', stderr });
const replied = (result: StepResult, more = {}): Ending => ({
  kind: 'replied',
  reply: { results: [result], grownBytes: 0, ...more },
});

/** Judges a run whose command ends like this. */
async function outcomeOf(ending: Ending, answer = 'right', traces: readonly string[] = []) {
  const folder = await temporaryFolder();
  const template = join(folder, 'template');
  await mkdir(template);
  await writeFile(join(template, 'in.txt'), 'valid');
  const one: Case = {
    name: 'one',
    ...{ template, target: 'in.txt', anatomy: 'text', steps: [['cmd', 'in.txt']], outputs: ['out.txt'] },
    answer: async () => answer,
    explain: (_, found) => (found === 'wrong' ? 'it is wrong' : undefined),
  };
  const run = join(folder, 'run');
  const runner = async () => {
    for (const name of traces) await writeFile(join(run, name), 'made');
    return ending;
  };
  return (await runOnce({ ...one, expected: 'right' }, diceOf(1, 'f', 1), run, runner, LIMITS)).outcome;
}

describe('a run is judged by the end of its commands and the files they leave:', () => {
  it.each<[string, Ending, string]>([
    ['an exit code of a user error', replied(refused(65, 'lanceflow cmd: in.txt: wrong.\n')), '65'],
    ['a bug', replied(refused(1, 'lanceflow cmd: this is a bug\n')), 'bug'],
    ['an unknown exit code', replied(refused(137, '')), 'bug'],
    ['an error that escapes the command', replied(OK, { escaped: 'Error: x' }), 'bug'],
    ['a signal', { kind: 'crashed', how: 'SIGSEGV' }, 'crash'],
    ['no end', { kind: 'hung' }, 'hang'],
    ['memory', replied(OK, { grownBytes: 2e6 }), 'memory'],
    ['a message without the name of the command', replied(refused(65, 'Error: x\n')), 'wrong'],
    ['a message with a stack', replied(refused(65, 'lanceflow cmd: x\n    at f (file.ts:1:2)\n')), 'wrong'],
    ['a message that a terminal obeys', replied(refused(65, 'lanceflow cmd: \u001b[2J\n')), 'wrong'],
  ])('%s', async (_, ending, outcome) => {
    expect(await outcomeOf(ending)).toBe(outcome);
  });

  it('answers: the same, another valid one, a wrong one', async () => {
    expect(await outcomeOf(replied(OK))).toBe('same');
    expect(await outcomeOf(replied(OK), 'other')).toBe('explained');
    expect(await outcomeOf(replied(OK), 'wrong')).toBe('wrong');
  });

  it('files: outputs only after success, no temporary files, unchanged inputs', async () => {
    const failed = replied(refused(65, 'lanceflow cmd: wrong.\n'));
    expect(await outcomeOf(replied(OK), 'right', ['out.txt'])).toBe('same');
    expect(await outcomeOf(failed, 'right', ['out.txt'])).toBe('trace');
    expect(await outcomeOf(replied(OK), 'right', ['.out.txt.1.tmp'])).toBe('trace');
    expect(await outcomeOf(replied(OK), 'right', ['in.txt'])).toBe('trace');
  });
});

it('the plain readers accept and refuse files as the documents say', () => {
  const fasta = (text: string) => readFastaPlainly(Buffer.from(text));
  expect(fasta('\ufeff>a x\r\nMK\r\nv*\r\n>b\nA C\n')).toEqual([
    { id: 'a', sequence: 'MKV' },
    { id: 'b', sequence: 'AC' },
  ]);
  for (const text of ['', 'x\n>a\nM\n', '>a\n\n', '>\nM\n', '>a\nM1\n', '>a\nM\n>a\nM\n', '>a\nM>b\nA\n'])
    expect(fasta(text), text).toBeInstanceOf(Error);
  const csv = Buffer.from('x,id\r\n1,"a, ""b"""\r\n2, c \r\n3,\r\n');
  expect(csvColumn(csv, 'id')).toEqual(['a, "b"', 'c']);
  expect(csvColumn(csv, 'none')).toEqual([]);
});
