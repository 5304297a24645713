import { EVENT_TYPES, eventsJsonSchema } from '../workers/src/app/monitoring/event-schema.ts';
import { cloudFiguresOf, type Figures, metricsOf } from '../workers/src/app/monitoring/figures.ts';

// Generated parts of docs/monitoring.md, and the JSON Schema of events.

interface JsonSchema {
  type?: string;
  const?: unknown;
  enum?: string[];
  description?: string;
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  oneOf?: JsonSchema[];
}

const LINE_WIDTH = 120;

/** A command of which everything is known: while it runs, and at its end. */
const RUNNING: Figures = {
  usage: { seconds: 1, cpuSeconds: 1, peakMemoryBytes: 1 },
  s3: { requests: 1, retries: 1, sentBytes: 1, receivedBytes: 1 },
  progress: { label: 'a step', done: 1, total: 2, unit: 'rows', perSecond: 1, etaSeconds: 1 },
  startedMs: 0,
  nowMs: 0,
  ...{ exitCode: undefined, rows: undefined, bytes: undefined },
};
const ENDED: Figures = { ...RUNNING, progress: undefined, exitCode: 0, rows: 1, bytes: 1 };

/** Returns the text of docs/events.schema.json, with lists that fit on one line as the formatter has them. */
export function eventsSchemaText(): string {
  const text = JSON.stringify(eventsJsonSchema(), null, 2);
  return `${text.replace(
    /^( *"\w+": )\[\n([^[\]{}]*?)\n *\](,?)$/gm,
    (list, name: string, items: string, comma: string) => {
      const line = `${name}[${items.trim().replace(/\n */g, ' ')}]${comma}`;
      return line.length <= LINE_WIDTH ? line : list;
    },
  )}\n`;
}

/** Generates a part of docs/monitoring.md. @param name `events` or `metrics` */
export async function monitoringSection(name: string): Promise<string> {
  if (name === 'events') return eventTables();
  if (name === 'metrics') return metricTable();
  if (name === 'CloudWatch metrics') return cloudTable();
  throw new Error(`docs/monitoring.md has no part ${name}`);
}

function eventTables(): string {
  const { oneOf = [] } = eventsJsonSchema() as JsonSchema;
  const common = new Set(['type', 'time', 'run', 'command']);
  const rowsOf = ({ properties = {}, required = [] }: JsonSchema, isShown: (field: string) => boolean) =>
    Object.entries(properties)
      .filter(([field]) => isShown(field))
      .map(([field, schema]) => `| \`${field}\` | ${typeOf(schema, required.includes(field))} | ${textOf(schema)} |`);
  const head = ['| field | type | meaning |', '|---|---|---|'];
  const all = rowsOf(oneOf[0]!, (field) => common.has(field));
  const types = Object.keys(EVENT_TYPES);
  const sections = oneOf.flatMap((schema, i) => [
    '',
    `**\`${types[i]}\`**`,
    '',
    ...head,
    ...rowsOf(schema, (field) => !common.has(field)),
  ]);
  return [...head, ...all, ...sections].join('\n');
}

function typeOf({ type, const: value, enum: choices, anyOf }: JsonSchema, isRequired: boolean): string {
  const text = choices
    ? choices.map((choice) => `\`${choice}\``).join(', ')
    : (type ?? (anyOf ? 'value' : typeof value));
  return isRequired ? text : `${text}, optional`;
}

function textOf({ description }: JsonSchema): string {
  return (
    description ??
    `One of ${Object.keys(EVENT_TYPES)
      .map((type) => `\`${type}\``)
      .join(', ')}`
  );
}

function metricTable(): string {
  const all = new Map([...metricsOf(RUNNING), ...metricsOf(ENDED)].map((metric) => [metric.name, metric]));
  const order = metricsOf({ ...ENDED, progress: RUNNING.progress }).map(({ name }) => all.get(name)!);
  const rows = order.map(({ name, unit = '', help, labels = {} }) => {
    const own = Object.keys(labels).map((label) => `\`${label}\``);
    return `| \`${name}\` | ${unit} | ${own.join(', ')} | ${help} |`
      .replaceAll('|  |', '| |')
      .replaceAll('|  |', '| |');
  });
  return ['| metric | unit | own label | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function cloudTable(): string {
  const atEnd = new Set(cloudFiguresOf(ENDED).map(({ name }) => name));
  const running = new Set(cloudFiguresOf(RUNNING).map(({ name }) => name));
  const all = [...cloudFiguresOf(ENDED), ...cloudFiguresOf(RUNNING).filter(({ name }) => !atEnd.has(name))];
  const rows = all.map(({ name, unit, kind }) => {
    const when = [running.has(name) ? 'every minute' : [], atEnd.has(name) ? 'at the end' : []].flat().join(', ');
    return `| \`${name}\` | ${kind} | ${unit} | ${when} |`;
  });
  return ['| name | kind | unit | written |', '|---|---|---|---|', ...rows].join('\n');
}
