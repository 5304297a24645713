/**
 * Time and memory of the commands that see a whole database, with as many shards and buckets as billions of proteins have: descriptions
 * and catalog entries are copies of real ones (docs/scale.md).
 *
 *   npm run bench -- growth [--shards 100000] [--buckets 10000] [--rows 10] [--repeats 3] [--folder DIR]
 *                             [--only packNew,catalog] [--save]
 */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCatalog, makeDescriptions, makeTemplate, SHARDS_IN_BUCKET } from './growth/make-inputs.ts';
import { LANCEFLOW, measure, say, spread, withFolder } from './support/run.ts';

const { values } = parseArgs({
  options: {
    shards: { type: 'string', default: '100000' },
    buckets: { type: 'string', default: '10000' },
    /** Of each shard. */
    rows: { type: 'string', default: '10' },
    repeats: { type: 'string', default: '3' },
    folder: { type: 'string' },
    only: { type: 'string' },
  },
});

await withFolder(values.folder, async (folder) => {
  const [shards, buckets, rows] = [Number(values.shards), Number(values.buckets), Number(values.rows)];
  const at = (name: string) => join(folder, name);
  const once = async (name: string, make: () => Promise<unknown>) => {
    if (await stat(at(name)).catch(() => undefined)) return;
    say(`making ${name}`);
    await mkdir(at(name), { recursive: true });
    await make();
  };
  const template = { description: at('few/few.shard'), database: at('few/few'), rows };
  await once('few', () => makeTemplate(at('few'), rows));
  await once('shards', () => makeDescriptions(at('shards'), template, 0, shards));
  // A tenth of these is new to the database.
  await once('later', () => makeDescriptions(at('later'), template, Math.round(shards / 10), shards));
  await once('database', () => makeCatalog(at('database'), template, buckets));

  const size = ['--bucket-size', `${rows * SHARDS_IN_BUCKET}`, '--output', at('plan.json'), '--json'];
  const fresh = { database: at('new') };
  const cases: Record<string, { args: string[]; before?: () => Promise<void> }> = {
    packNew: {
      args: ['pack-buckets', '--input-list', at('shards/shards.txt'), '--database', fresh.database, ...size],
      before: () => rm(fresh.database, { recursive: true, force: true }),
    },
    packLater: {
      args: ['pack-buckets', '--input-list', at('later/shards.txt'), '--database', at('database'), ...size],
      before: () => rm(join(at('database'), '_pending'), { recursive: true, force: true }),
    },
    catalog: { args: ['catalog', '--database', at('database')] },
    catalogJson: { args: ['catalog', '--database', at('database'), '--json'] },
    catalogBrief: { args: ['catalog', '--database', at('database'), '--brief', '--json'] },
  };
  const results: Record<string, object> = {};
  for (const [name, { args, before }] of Object.entries(cases)) {
    if (values.only && !values.only.split(',').includes(name)) continue;
    const runs = [];
    for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
      await before?.();
      // The answer is as large as the catalog.
      runs.push(await measure('sh', ['-c', '"$@" > /dev/null', 'sh', LANCEFLOW, ...args]));
      const { seconds, cpuSeconds, peakMemoryBytes } = runs.at(-1)!;
      say(`${name}: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s, ${Math.round(peakMemoryBytes / 1e6)} MB`);
    }
    results[name] = {
      seconds: spread(runs.map(({ seconds }) => seconds)),
      cpuSeconds: spread(runs.map(({ cpuSeconds }) => cpuSeconds)),
      peakMemoryMB: Math.round(Math.max(...runs.map(({ peakMemoryBytes }) => peakMemoryBytes)) / 1e6),
    };
  }
  process.stdout.write(`${JSON.stringify({ shards, buckets, rowsOfShard: rows, ...results }, null, 2)}\n`);
});
