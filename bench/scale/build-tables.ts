import { I4I } from '../../workers/src/forecast/machines/price-table.ts';
import { bucketSeconds } from '../../workers/src/forecast/model/bucket-time.ts';
import { digits, markdownTable } from '../support/markdown.ts';
import type { ScaleInputs } from './inputs.ts';
import { ALL_ROWS, BUCKET_ROWS, BUILDS, estimateBucket } from './large-bucket.ts';

const ARTICLE = { hours: 108, terabytes: 12.9 };
const BUCKETS = ALL_ROWS / BUCKET_ROWS;

/** Hours that each resource of the machine needs for each phase of the default build. */
export function phasesTable(inputs: ScaleInputs): string {
  const builds = BUILDS.slice(0, 2).flatMap((build, i) =>
    estimateBucket(inputs, I4I, BUCKET_ROWS, build).phases.map(({ name, cores, disk, network, seconds }) => [
      i === 0 ? name : `${name}, float16`,
      ...[cores, disk, network, seconds].map((value) => (value === 0 ? '' : digits(value / 3600))),
      seconds === cores ? 'cores' : seconds === disk ? 'disks' : 'network',
    ]),
  );
  return markdownTable([['phase', 'cores, h', 'disks, h', 'network, h', 'hours', 'limit'], ...builds]);
}

/** The bucket of 200 million, and all of 3.5 billion. */
export function derivedTable(inputs: ScaleInputs): string {
  const rows = BUILDS.map((build) => {
    const { phases, cpuSeconds, bytes } = estimateBucket(inputs, I4I, BUCKET_ROWS, build);
    const { seconds, overlapped } = bucketSeconds(phases);
    const hours = (seconds / 3600) * BUCKETS;
    return [
      build.name,
      digits(seconds / 3600),
      digits(overlapped / 3600),
      digits(cpuSeconds / 3600),
      digits(hours),
      `$${digits(hours * I4I.dollarsPerHour)}`,
      `${digits(((bytes.vector + bytes.rest) * ALL_ROWS) / 1e12)} TB`,
    ];
  });
  const article = [
    ...['the article', digits(ARTICLE.hours / BUCKETS), '', '', `${ARTICLE.hours}`],
    ...[`$${digits(ARTICLE.hours * I4I.dollarsPerHour)}`, `${ARTICLE.terabytes} TB`],
  ];
  const head = [
    ...['', 'hours a bucket of 200 million', 'if all phases overlapped', 'CPU-hours a bucket'],
    ...['machine-hours, 3.5 billion', 'cost', 'stored'],
  ];
  return markdownTable([head, article, ...rows]);
}

/** Buckets of other sizes. */
export function bucketsTable(inputs: ScaleInputs): string {
  const rows = [25e6, 50e6, 100e6, 200e6, 400e6].map((bucketRows) => {
    const { phases, cpuSeconds } = estimateBucket(inputs, I4I, bucketRows, BUILDS[0]!);
    const { seconds } = bucketSeconds(phases);
    const count = ALL_ROWS / bucketRows;
    return [
      `${bucketRows / 1e6} million`,
      digits(seconds / 3600),
      digits((cpuSeconds / 3600) * count),
      digits((seconds / 3600) * count),
    ];
  });
  return markdownTable([['bucket', 'hours a bucket', 'CPU-hours, 3.5 billion', 'machine-hours, 3.5 billion'], ...rows]);
}
