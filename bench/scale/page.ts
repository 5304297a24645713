import {
  cpuSecondsOf,
  estimateBucket,
  growthOf,
  type Machine,
  type Measurements,
  partitioningCpuSeconds,
} from './model.ts';

/** bench/results/scale.json */
export interface ScaleResult extends Measurements {
  command: string;
  machine: string;
  date: string;
  /** Machine and date of the assignment's figures, where these are not of the same run. */
  assignmentRun?: string;
}

/** Assumed values of the article's machine. */
export const I4I: Machine = {
  name: 'i4i.8xlarge',
  cores: 32,
  dollarsPerHour: 2.746,
  diskBytesPerSecond: 2e9,
  networkBytesPerSecond: 18.75e9 / 8,
};

const BUCKET_ROWS = 200e6;
const ALL_ROWS = 3.5e9;
const ARTICLE = { hours: 108, terabytes: 12.9 };

/** The compared builds: their steps, and the kind of table that they write. */
const WAYS: Record<string, { steps: string[]; table: string }> = {
  'default (`ivf-rq` over the order)': { steps: ['ingest', 'index-rq'], table: 'ivf-rq' },
  'the same, float16': { steps: ['ingest', 'index-rq'], table: 'ivf-rq, float16' },
  '`--order none --index ivf-pq`': { steps: ['ingest-unordered', 'index-pq'], table: 'ivf-pq' },
};

/** Returns the tables of docs/scale.md by name. */
export function scaleTables(result: ScaleResult): Record<string, string> {
  return {
    measured: measuredTable(result),
    assignment: assignmentTable(result),
    growth: growthTable(result),
    derived: derivedTable(result),
    sizes: sizesTable(result),
    buckets: bucketsTable(result),
  };
}

/** Replaces the text between `<!-- scale: name -->` and `<!-- end -->`. */
export function insertTables(page: string, result: ScaleResult): string {
  let text = page;
  for (const [name, table] of Object.entries(scaleTables(result))) {
    const pattern = new RegExp(`(<!-- scale: ${name} -->)[\\s\\S]*?(<!-- end -->)`);
    if (!pattern.test(text)) throw new Error(`docs/scale.md has no marker for the table ${name}`);
    text = text.replace(pattern, (_, before: string, after: string) => `${before}\n\n${table}\n\n${after}`);
  }
  return text;
}

function measuredTable({ steps, command, machine, date }: ScaleResult): string {
  const sizes = steps.ingest!.map(({ rows }) => rows);
  const rows = Object.entries(steps).map(([step, points]) => [
    `\`${step}\``,
    ...points.map(({ cpuSeconds, seconds }) => `${digits(cpuSeconds)} (${digits(seconds)})`),
  ]);
  const head = ['step', ...sizes.map((n) => `${n.toLocaleString('en')} vectors`)];
  return `${table([head, ...rows])}\n\nCPU-seconds, and seconds in brackets: \`${command}\`, ${machine}, ${date}.`;
}

function assignmentTable({ assignment, assignmentRun }: ScaleResult): string {
  const rows = assignment.map(({ kind, partitions, plan, cpuSeconds, cpuSecondsOfAll, agreement }) => [
    kind,
    partitions.toLocaleString('en'),
    plan,
    digits(cpuSeconds * 1e6),
    digits(cpuSecondsOfAll * 1e6),
    `${(agreement * 100).toFixed(1)}%`,
  ]);
  const head = ['vectors', 'partitions', 'compared with', 'microseconds a row', 'with all centroids', 'same partition'];
  const run = assignmentRun === undefined ? '' : `\n\n\`node bench/scale.ts --assignment\`, ${assignmentRun}.`;
  return `${table([head, ...rows])}${run}`;
}

function growthTable(result: ScaleResult): string {
  const rows = Object.keys(result.steps).map((step) => {
    const growth = growthOf(result, step);
    const share = partitioningCpuSeconds(growth, BUCKET_ROWS) / cpuSecondsOf(growth, BUCKET_ROWS);
    const { fixed, perRow, perRowRoot, assign } = growth;
    const terms = [fixed, perRow * 1e6, perRowRoot * 1e9, (assign(BUCKET_ROWS) / BUCKET_ROWS) * 1e6].map(digits);
    return [`\`${step}\``, ...terms, percent(share)];
  });
  return table([
    [
      'step',
      'fixed, s',
      'N, s a million',
      'N^1.5, s at a million',
      'assignment at 200 million, s a million',
      'share of the last two at 200 million',
    ],
    ...rows,
  ]);
}

function derivedTable(result: ScaleResult): string {
  const count = ALL_ROWS / BUCKET_ROWS;
  const rows = Object.entries(WAYS).map(([name, { steps, table: kind }]) => {
    const bucket = estimateBucket(result, I4I, BUCKET_ROWS, steps, result.bytesPerVector[kind]!);
    const cpuHours = Object.values(bucket.cpuHours).reduce((sum, hours) => sum + hours, 0);
    const hours = bucket.hours * count;
    return [
      name,
      digits(bucket.hours),
      digits(cpuHours),
      digits(hours),
      digits(cpuHours * count),
      `$${digits(hours * I4I.dollarsPerHour)}`,
      `${digits((result.bytesPerVector[kind]! * ALL_ROWS) / 1e12)} TB`,
    ];
  });
  const article = [
    'the article',
    digits(ARTICLE.hours / count),
    '',
    `${ARTICLE.hours}`,
    '',
    `$${digits(ARTICLE.hours * I4I.dollarsPerHour)}`,
    `${ARTICLE.terabytes} TB`,
  ];
  const head = [
    '',
    'hours a bucket of 200 million',
    'CPU-hours a bucket',
    'machine hours, 3.5 billion',
    'CPU-hours, 3.5 billion',
    'cost',
    'stored',
  ];
  return table([head, article, ...rows]);
}

function sizesTable({ bytesPerVector, dimension }: ScaleResult): string {
  const rows = Object.entries(bytesPerVector).map(([kind, bytes]) => {
    const vectors = dimension * (kind.includes('float16') ? 2 : 4);
    return [kind, `${vectors}`, digits(bytes - vectors), digits(bytes), `${digits((bytes * ALL_ROWS) / 1e12)} TB`];
  });
  return table([['table', 'bytes of a vector', 'index, id, order', 'together', '3.5 billion'], ...rows]);
}

function bucketsTable(result: ScaleResult): string {
  const { steps, table: kind } = Object.values(WAYS)[0]!;
  const rows = [25e6, 50e6, 100e6, 200e6, 400e6].map((rowsOfBucket) => {
    const bucket = estimateBucket(result, I4I, rowsOfBucket, steps, result.bytesPerVector[kind]!);
    const cpuHours = Object.values(bucket.cpuHours).reduce((sum, hours) => sum + hours, 0);
    const count = ALL_ROWS / rowsOfBucket;
    return [
      `${rowsOfBucket / 1e6} million`,
      digits(bucket.hours),
      percent(bucket.partitioningCpuHours / cpuHours),
      digits(cpuHours * count),
      digits(bucket.hours * count),
    ];
  });
  return table([
    ['bucket', 'hours a bucket', 'share of assignment', 'CPU-hours, 3.5 billion', 'machine hours, 3.5 billion'],
    ...rows,
  ]);
}

function table([head, ...rows]: string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head!), line(head!.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Formats a number with three significant digits. */
function digits(value: number): string {
  if (value === 0) return '0';
  if (value < 0.001) return value.toExponential(1);
  return value >= 1000 ? Math.round(value).toLocaleString('en') : `${Number(value.toPrecision(3))}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
