import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ID_BYTES } from '../../workers/src/database/catalog/disk-needs.ts';
import type { Cost, UnitMeasurements, UnitsAt } from '../../workers/src/forecast/model/unit-terms.ts';
import { unitRows } from '../../workers/src/ingest/units.ts';
import { BUCKET } from '../support/build-table.ts';
import { LANCEFLOW, type Measured, measure, PYTHON, ROOT, say } from '../support/run.ts';
import { transferTable } from '../support/transfer.ts';
import { makeVectors } from '../support/vectors.ts';

/** The bucket whose units are imitated. */
const LARGE = { rows: 200e6, dimension: 960 };
/** Rows that are divided: narrow ones, so that their own cost is small. */
const DIMENSION = 64;
const QUERIES = 1000;

/** Measures every stage of a small bucket with the units of its size, then with as many as a bucket of 200 million has. */
export async function measureUnits(folder: string, rows: number): Promise<UnitMeasurements> {
  const vectors = await makeVectors(folder, 'vectors', `${rows}`, `${DIMENSION}`, '1');
  const queries = await makeVectors(folder, 'queries', `${QUERIES}`, `${DIMENSION}`, '2');
  const fragments = Math.ceil(LARGE.rows / unitRows(LARGE.rows, LARGE.dimension * 4 + ID_BYTES));
  const partitions = Math.floor(Math.sqrt(LARGE.rows));
  const at = (kind: string, unit: { fragments?: number; partitions?: number }) => {
    say(`${kind}:`);
    return measureAt(folder, { vectors, queries, rows }, unit);
  };
  return {
    ...{ rows, dimension: DIMENSION, queries: QUERIES },
    few: await at('units of a bucket of this size', {}),
    manyFragments: await at(`${fragments} fragments`, { fragments }),
    manyPartitions: await at(`${fragments} fragments, ${partitions} partitions`, { fragments, partitions }),
  };
}

interface Data {
  vectors: string;
  queries: string;
  rows: number;
}

async function measureAt(
  folder: string,
  { vectors, queries, rows }: Data,
  { fragments, partitions = 0 }: { fragments?: number; partitions?: number },
): Promise<UnitsAt> {
  const [database, plan, hits] = ['units-database', 'units-plan.json', 'units-hits.parquet'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  await rm(database, { recursive: true, force: true });
  await mkdir(database, { recursive: true });
  const stages: Record<string, Cost> = {};
  const record = async (stage: string, program: string, args: readonly string[]): Promise<Measured> => {
    const measured = await measure(program, args);
    const { cpuSeconds, seconds, peakMemoryBytes } = measured;
    stages[stage] = { cpuSeconds, seconds, peakMemoryBytes };
    say(
      `  ${stage}: ${cpuSeconds.toFixed(2)} CPU s, ${seconds.toFixed(2)} s, ${(peakMemoryBytes / 1e6).toFixed(0)} MB`,
    );
    return measured;
  };
  const bucket = ['--bucket', BUCKET, '--database', database];
  const search = ['search-bucket', ...bucket, '--queries', queries, '--output', hits, '--json'];
  await measure(LANCEFLOW, ['pack-buckets', '--input', vectors, '--output', plan, '--json']);
  const unit = fragments === undefined ? {} : { LANCEFLOW_UNIT_BYTES: `${leastUnitBytes(rows, fragments)}` };
  Object.assign(process.env, unit);
  const ingest = join(ROOT, 'bench/scale/ingest-units.ts');
  const { output } = await record('ingest', process.execPath, [ingest, plan, database, BUCKET, `${partitions}`]);
  delete process.env.LANCEFLOW_UNIT_BYTES;
  await record('index', LANCEFLOW, ['index-bucket', ...bucket, '--json']);
  const table = join(database, `${BUCKET}.lance`);
  await transferTable(folder, table, async (stage, program, args) => void (await record(stage, program, args)));
  const ranges = join(folder, 'units-ranges.json');
  await record('plan', LANCEFLOW, [
    ...['plan-search', '--queries', queries, '--database', database, '--output', ranges, '--json'],
  ]);
  for (const strategy of ['ann', 'scan', 'exact'])
    await record(`search, ${strategy}`, LANCEFLOW, [...search, '--search', strategy, '--nprobes', '20']);
  await record('verify', LANCEFLOW, ['verify', '--database', database, '--json']);
  await record('opening by a LanceDB client', PYTHON, [
    ...[join(ROOT, 'bench/support/open_table.py'), database, BUCKET, `${DIMENSION}`],
  ]);
  const files = (await readdir(table, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const entry = await stat(join(database, '_catalog', `${BUCKET}.json`));
  await rm(database, { recursive: true, force: true });
  return {
    fragments: output.fragments as number,
    partitions: partitions || Math.floor(Math.sqrt(rows)),
    files: files.length,
    catalogEntryBytes: entry.size,
    stages,
  };
}

/** Returns the least size of a unit with which a bucket has a number of fragments: units grow with its root (ingest/units.ts). */
function leastUnitBytes(rows: number, fragments: number): number {
  const unitRowCount = Math.ceil(rows / fragments);
  let [low, high] = [1, 16 * 2 ** 20];
  const rowsWith = (bytes: number) => {
    process.env.LANCEFLOW_UNIT_BYTES = `${bytes}`;
    return unitRows(rows, DIMENSION * 4 + ID_BYTES);
  };
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rowsWith(middle) >= unitRowCount) high = middle;
    else low = middle + 1;
  }
  delete process.env.LANCEFLOW_UNIT_BYTES;
  return low;
}
