import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { type Checkpoints, withCheckpoints } from '../../workers/src/search/checkpoints.ts';
import { temporaryFolder } from '../support/run.ts';

const KEY = { question: 1 };
const DECISION = z.object({ by: z.string() });

/** A search of `blocks` blocks, each of which contains the decision that it was computed by. */
async function search(
  parent: string,
  name: string,
  blocks: number,
  between: () => Promise<unknown> = async () => {},
): Promise<{ texts: string[]; made: number }> {
  return withCheckpoints(parent, 'search', KEY, async (checkpoints) => {
    let made = 0;
    const decision = await checkpoints.decision(DECISION, async () => ({ by: name }));
    const paths: string[] = [];
    for (let block = 0; block < blocks; block++) {
      await between();
      paths.push(
        await checkpoints.file(`${block}.txt`, async (temporary) => {
          made++;
          await between();
          await writeFile(temporary, `${block} by ${decision.by}`);
        }),
      );
    }
    await between();
    return { texts: await Promise.all(paths.map((path) => readFile(path, 'utf8'))), made };
  });
}

/** All blocks of one decision, in their order. */
function expectOneDecision(texts: string[]): void {
  const by = texts[0]!.replace(/^0 by /, '');
  expect(texts).toEqual(texts.map((_, block) => `${block} by ${by}`));
}

test('a run resumes from the blocks of an interrupted one, and leaves no files behind', async () => {
  const parent = await temporaryFolder();
  const failing = withCheckpoints(parent, 'search', KEY, async (checkpoints) => {
    await checkpoints.decision(DECISION, async () => ({ by: 'first' }));
    await checkpoints.file('0.txt', (temporary) => writeFile(temporary, '0 by first'));
    throw new Error('killed');
  });
  await expect(failing).rejects.toThrow('killed');
  expect(await readdir(parent)).toEqual([expect.stringMatching(/^\.search\.[0-9a-f]{32}\.blocks$/)]);
  const { texts, made } = await search(parent, 'second', 3);
  expect({ texts, made }).toEqual({ texts: ['0 by first', '1 by first', '2 by first'], made: 2 });
  expect(await readdir(parent)).toEqual([]);
});

test('concurrent searches finish in any order, and never mix two decisions', async () => {
  const parent = await temporaryFolder();
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 4 }), async (scheduler, processes) => {
      const pause = () => scheduler.schedule(Promise.resolve());
      const runs = Array.from({ length: processes }, (_, i) => search(parent, `${i}`, 3, pause));
      const all = Promise.all(runs);
      await scheduler.waitFor(all);
      for (const { texts } of await all) expectOneDecision(texts);
      expect(await readdir(parent)).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

test('a file remains while it is used, even if the folder is removed again and again', async () => {
  const parent = await temporaryFolder();
  const removeAll = async () => {
    for (const name of await readdir(parent))
      if (name.endsWith('.blocks')) await rm(join(parent, name), { recursive: true });
  };
  const { texts, made } = await search(parent, 'one', 5, removeAll);
  expectOneDecision(texts);
  expect(made).toBe(5);
});

test('two searches that decide at the same time agree on one decision', async () => {
  const parent = await temporaryFolder();
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  const decide = (by: string) => async () => {
    if (++waiting === 2) resolve();
    await promise;
    return by;
  };
  const both = Promise.withResolvers<void>();
  let decided = 0;
  const run = (by: string) =>
    withCheckpoints(parent, 'search', KEY, async ({ decision }: Checkpoints) => {
      const found = await decision(z.string(), decide(by));
      if (++decided === 2) both.resolve();
      await both.promise;
      return found;
    });
  const [one, other] = await Promise.all([run('a'), run('b')]);
  expect(one).toBe(other);
  expect(existsSync(parent)).toBe(true);
});

test('a damaged decision is refused, and its file named', async () => {
  const parent = await temporaryFolder();
  const use = () =>
    withCheckpoints(parent, 'search', KEY, async ({ decision }: Checkpoints) => {
      await decision(DECISION, async () => ({ by: 'first' }));
      throw new Error('killed');
    });
  await expect(use()).rejects.toThrow('killed');
  const [folder] = (await readdir(parent)).filter((name) => name.endsWith('.blocks'));
  const path = join(parent, folder!, 'decision.json');
  const written = await readFile(path, 'utf8');
  for (const damaged of ['', '[]', '{"decision":{"by":7}}', '{"by":"fir', written.replace('first', 'other')]) {
    await writeFile(path, damaged);
    await expect(use()).rejects.toThrow(/decision\.json: damaged: .*Remove the folder .*\.blocks and search again/);
  }
});

test('a damaged block is computed again, the others are not', async () => {
  const parent = await temporaryFolder();
  const until = (blocks: number) =>
    withCheckpoints(parent, 'search', KEY, async (checkpoints) => {
      const decision = await checkpoints.decision(DECISION, async () => ({ by: 'first' }));
      for (let block = 0; block < blocks; block++)
        await checkpoints.file(`${block}.txt`, (temporary) => writeFile(temporary, `${block} by ${decision.by}`));
      throw new Error('killed');
    });
  await expect(until(3)).rejects.toThrow('killed');
  const [folder] = (await readdir(parent)).filter((name) => name.endsWith('.blocks'));
  const names = (await readdir(join(parent, folder!))).sort();
  const [block, , other] = names.filter((name) => /^\d/.test(name));
  await writeFile(join(parent, folder!, block!), '0 by nobody');
  await expect(until(2)).rejects.toThrow('killed');
  expect((await readdir(join(parent, folder!))).sort()).toEqual(names);
  // Without a checksum, a block cannot be verified.
  await rm(join(parent, folder!, `${other}.checksum`));
  const { texts, made } = await search(parent, 'second', 3);
  expect({ texts, made }).toEqual({ texts: ['0 by first', '1 by first', '2 by first'], made: 1 });
  expect(await readdir(parent)).toEqual([]);
});
