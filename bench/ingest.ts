/**
 * Ingest against its limits: the disk's rates of reading the shard and of writing, beside the rate and the peak memory of ingest,
 * with and without partition order, for shards of several layouts.
 *
 *   npm run bench -- ingest --rows 200000,1000000 [--layouts contiguous,gzip,float16] [--folder DIR]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ingestTable } from './support/build-table.ts';
import { capture, PYTHON, ROOT, say, withFolder } from './support/run.ts';
import { makeVectors } from './support/vectors.ts';

interface Limits {
  /** Of reading the whole file, which is not in the page cache. */
  readBytesPerSecond: number;
  /** Of writing the same number of bytes to a new file, flush included. */
  writeBytesPerSecond: number;
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '200000,1000000' },
    dimension: { type: 'string', default: '960' },
    /** Layouts for the first of --rows; larger files are contiguous. */
    layouts: { type: 'string', default: 'contiguous,gzip,float16' },
    folder: { type: 'string' },
  },
});

await withFolder(values.folder, async (folder) => {
  const python = (script: string, ...args: string[]) => capture(PYTHON, [join(ROOT, 'bench/support', script), ...args]);
  const results: Array<Record<string, unknown>> = [];
  for (const [i, rows] of values.rows.split(',').entries()) {
    const plain = await makeVectors(folder, 'vectors', rows, values.dimension, '1');
    for (const layout of i === 0 ? values.layouts.split(',') : ['contiguous']) {
      const shard = layout === 'contiguous' ? plain : plain.replace('.h5', `-${layout}.h5`);
      if (!existsSync(shard)) await python('convert.py', plain, shard, layout);
      const limits = JSON.parse(await python('disk_rates.py', shard, folder)) as Limits;
      for (const order of ['none', 'partition']) {
        const type = layout === 'float16' ? 'float16' : 'float32';
        const cost = await ingestTable(shard, folder, ['--order', order, '--vector-type', type]);
        const tableBytes = Number(cost.output.bytes);
        // The lower bound on one disk: read the file once, write the table once.
        const vectorBytes = Number(cost.output.rows) * Number(values.dimension) * (type === 'float16' ? 2 : 4);
        const least = vectorBytes / limits.readBytesPerSecond + tableBytes / limits.writeBytesPerSecond;
        const row = {
          rows: Number(rows),
          layout,
          order,
          ...limits,
          bytesPerSecond: tableBytes / cost.seconds,
          shareOfLimit: least / cost.seconds,
          seconds: cost.seconds,
          cpuSeconds: cost.cpuSeconds,
          peakMemoryBytes: cost.peakMemoryBytes,
        };
        results.push(row);
        say(JSON.stringify(row));
      }
    }
  }
  process.stdout.write(`${JSON.stringify({ dimension: Number(values.dimension), results }, null, 2)}\n`);
});
