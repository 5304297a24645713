import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case, Format } from '../engine/case.ts';
import { csvColumn } from '../oracle/csv.ts';
import { readWrittenShard } from '../oracle/outputs.ts';
import { theWorld } from '../seeds/world.ts';

/** Lists of ids: the query set must have the ids of a plain reader of the fuzzer's own. */
export const IDS: Format = {
  name: 'ids',
  describe: 'fetch-queries on changed lists of ids',
  weight: 2,
  async prepare(folder, tools) {
    const world = await theWorld(folder, tools);
    const template = await world.template('ids', { db: 'db' });
    await mkdir(template, { recursive: true });
    await writeFile(join(template, 'ids.txt'), 'a1\na20\nb3\na1099\nb299\n');
    await writeFile(join(template, 'ids.csv'), 'name,id,more\none,a1,x\n"two, three",b3,"y"\nfour,"a20",\n');
    return ['ids.txt', 'ids.csv'].map(
      (target): Case => ({
        name: target,
        ...{ template, target, anatomy: 'text', partners: [join(template, 'ids.txt'), join(template, 'ids.csv')] },
        steps: [['fetch-queries', '--ids', target, '--database', 'db', '--output', 'queries.h5']],
        outputs: ['queries.h5'],
        answer: async (facts) => (await idsOf(join(facts.folder, 'queries.h5'))).join('\n'),
        explain({ mutated }, answer) {
          const ids = target.endsWith('.csv') ? csvColumn(mutated, 'id') : lineIds(mutated.toString());
          return [...new Set(ids)].sort().join('\n') === answer
            ? undefined
            : `requested ${JSON.stringify(ids)}, got ${answer}`;
        },
      }),
    );
  },
};

async function idsOf(path: string): Promise<string[]> {
  return (await readWrittenShard(path)).map(({ id }) => id).sort();
}

function lineIds(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}
