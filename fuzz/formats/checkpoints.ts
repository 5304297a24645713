import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Case, Format } from '../engine/case.ts';
import { hitsText, readWrittenHits } from '../oracle/outputs.ts';
import { ON_DB, theWorld } from '../seeds/world.ts';
import { embeddedVectors, modelTemplate } from './models.ts';

const LANCEFLOW = fileURLToPath(new URL('../../bin/lanceflow', import.meta.url));
/** Ends a command before its n-th call that changes the file system. */
const KILL_AT = fileURLToPath(new URL('../../test/faults/kill-at.mjs', import.meta.url));

/** Checkpoints of a killed command: the next command uses intact ones, and computes damaged ones again. */
export const CHECKPOINTS: Format = {
  name: 'checkpoint',
  describe: 'search-bucket and embed-sequences on changed checkpoints of a killed run',
  weight: 2,
  async prepare(folder, tools) {
    const world = await theWorld(folder, tools);
    const searched = await world.template('checkpoints', { db: 'db', 'q.h5': 'q.h5' });
    const search = ['search-bucket', ...ON_DB, '--queries', 'q.h5', '--k', '5', '--search', 'scan'];
    search.push('--block-queries', '4', '--checkpoints', 'kept', '--output', 'hits.parquet');
    const blocks = await killNearEnd(searched, search, 'hits.parquet');
    const embedded = await modelTemplate(join(folder, 'embed'), 'esm2');
    const embed = ['embed-sequences', '--model', 'model', '--input', 'x.fasta', '--threads', '1'];
    embed.push('--checkpoints', 'kept', '--output', 'x.h5');
    const vectors = await killNearEnd(embedded, embed, 'x.h5');
    return [
      ...blocks.map(
        (target): Case => ({
          ...base(searched, target, blocks),
          ...{ steps: [search], outputs: ['hits.parquet'] },
          answer: async (facts) => hitsText(await readWrittenHits(join(facts.folder, 'hits.parquet'))),
          explain: ({ valid, mutated }) =>
            isForged(valid, mutated) ? undefined : 'other hits than those of an undisturbed search',
        }),
      ),
      ...vectors.map(
        (target): Case => ({
          ...base(embedded, target, vectors),
          ...{ steps: [embed], outputs: ['x.h5'] },
          answer: async (facts) => (await embeddedVectors(facts)).toString('base64'),
          explain: () => 'another vector than the model computes',
        }),
      ),
    ];
  },
};

/** A changed search plan with a matching checksum is another valid plan. */
function isForged(valid: Buffer, mutated: Buffer): boolean {
  const seal = (text: Buffer) => /"checksum": "[^"]*"/.exec(text.toString())?.[0];
  return seal(valid) !== undefined && seal(valid) !== seal(mutated);
}

function base(template: string, target: string, all: readonly string[]) {
  const anatomy = target.endsWith('.json') ? 'json' : 'bytes';
  const name = target.split('/').at(-1)!;
  return {
    name,
    template,
    target,
    anatomy,
    partners: all.map((path) => join(template, path)),
    writes: ['kept'],
  } as const;
}

/**
 * Runs a command that is killed just before its output gets its name.
 * @returns the files that remain, relative to the folder
 */
async function killNearEnd(folder: string, argv: readonly string[], output: string): Promise<string[]> {
  await mkdir(join(folder, 'kept'), { recursive: true });
  const count = join(folder, 'count');
  await run(folder, argv, { KILL_AT: '0', KILL_COUNT: count });
  await rm(join(folder, output));
  for (let call = Number(await readFile(count, 'utf8')); call > 0; call--) {
    await run(folder, argv, { KILL_AT: `${call}`, KILL_COUNT: '' });
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const names = files.map((path) => path.slice(folder.length + 1));
    const left = names.filter((name) => name.startsWith('kept/') && !name.includes('.tmp'));
    const isWhole = names.includes(output);
    await rm(join(folder, output), { force: true });
    if (isWhole || left.length === 0) continue;
    for (const name of names) if (name.includes('.tmp')) await rm(join(folder, name), { force: true });
    await rm(count);
    return left;
  }
  throw new Error(`${argv[0]} left no checkpoint`);
}

function run(cwd: string, argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { ...process.env, ...env, NODE_OPTIONS: `--import ${KILL_AT}` };
    spawn(LANCEFLOW, argv, { cwd, env: options, stdio: 'ignore' })
      .on('error', reject)
      .on('close', () => resolve());
  });
}
