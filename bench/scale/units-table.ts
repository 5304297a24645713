import { I4I } from '../../workers/src/forecast/machines/price-table.ts';
import { type UnitTerm, unitTerms } from '../../workers/src/forecast/model/unit-terms.ts';
import { digits, markdownTable, percent } from '../support/markdown.ts';
import type { ScaleInputs } from './inputs.ts';
import { BUCKET_ROWS, BUILDS, estimateBucket, vectorBytes } from './large-bucket.ts';

/** What fragments, partitions and files cost, and their share of each stage at 200 million. */
export function unitsTable(inputs: ScaleInputs): string {
  const { units } = inputs.scale;
  const { few, manyFragments, manyPartitions } = units;
  const rowSeconds = secondsOfRows(inputs);
  const cell = ({ cpuSeconds, seconds }: { cpuSeconds: number; seconds: number }) =>
    `${digits(cpuSeconds)} (${digits(seconds)})`;
  const rows = unitTerms(units).map((term) => {
    const own = secondsOf(term);
    const others = rowSeconds[term.stage];
    return [
      term.stage,
      ...[few, manyFragments, manyPartitions].map(({ stages }) => cell(stages[term.stage]!)),
      digits(own),
      others === undefined ? '' : digits(others),
      others === undefined ? 'all' : percent(own / (own + others)),
    ];
  });
  const count = (at: typeof few) =>
    `${at.fragments.toLocaleString('en')} fragment${at.fragments === 1 ? '' : 's'}, ${at.partitions.toLocaleString('en')} partitions`;
  const head = ['stage', ...[few, manyFragments, manyPartitions].map(count)];
  const table = markdownTable([
    [...head, 'units at 200 million, s', 'rows at 200 million, s', "units' share"],
    ...rows,
  ]);
  const queries = units.queries.toLocaleString('en');
  return (
    `${table}\n\nCPU-seconds, and seconds in brackets, of ${units.rows.toLocaleString('en')} vectors of ${units.dimension} components and ` +
    `${queries} queries. The catalog entry has ${digits(few.catalogEntryBytes / 1000)} kB with few units, ` +
    `${digits(manyPartitions.catalogEntryBytes / 1000)} kB with many; the table ${few.files} and ${manyPartitions.files.toLocaleString('en')} files.`
  );
}

/** Ingest's partitions are trained and assigned: the formula has both already. */
function secondsOf({ stage, fragments, partitions }: UnitTerm): number {
  return fragments.seconds + (stage === 'ingest' ? 0 : partitions.seconds);
}

/** Returns the seconds of the rows of a bucket of 200 million, by stage; searches read the table once, or the codes. */
function secondsOfRows(inputs: ScaleInputs): Record<string, number> {
  const build = BUILDS[0]!;
  const { phases, bytes } = estimateBucket(inputs, I4I, BUCKET_ROWS, build);
  const phase = (...names: string[]) =>
    phases.reduce((sum, { name, seconds }) => sum + (names.includes(name) ? seconds : 0), 0);
  const publish = phase('publish the table', 'publish the index');
  const read = (bytesPerRow: number) => (bytesPerRow * BUCKET_ROWS) / I4I.diskBytesPerSecond;
  const vector = vectorBytes(build.table, inputs.scale.dimension);
  return {
    ...{ ingest: phase('ingest'), index: phase('index'), publish, fetch: publish },
    ...{ 'search, ann': read(bytes.rest), 'search, scan': read(vector), 'search, exact': read(vector) },
    verify: read(bytes.vector + bytes.rest),
  };
}
