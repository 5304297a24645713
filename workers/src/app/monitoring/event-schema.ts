import * as z from 'zod/mini';
import { AMOUNT, COUNT, choice, SIZE, TEXT } from '../../base/text/document.ts';

/** Version of the events. New fields and new types may be added to it; readers ignore those that they do not know. */
export const EVENTS_FORMAT = 1;
/** Why a command failed, by its exit code. */
export const FAILURES = ['usage', 'data', 'transient', 'bug', 'stopped', 'other'] as const;

const OPTION_VALUE = z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))]);

/** What every event has. */
const COMMON = {
  time: described(z.iso.datetime(), 'Time in UTC (ISO 8601, milliseconds)'),
  run: described(z.uuid(), 'Id of this run of a command'),
  command: described(TEXT, 'Name of the command'),
};

const START = z.object({
  type: z.literal('start'),
  ...COMMON,
  format: described(z.literal(EVENTS_FORMAT), 'Version of the events'),
  version: described(TEXT, 'Version of LanceFlow'),
  host: described(z.string(), 'Name of the machine'),
  pid: described(SIZE, 'Id of the process on it'),
  options: described(
    z.optional(z.record(z.string(), OPTION_VALUE)),
    'Options, with their defaults; absent where the command line is wrong. Without secrets and sequences; of a long list, the count',
  ),
});

const PROGRESS = z.object({
  type: z.literal('progress'),
  ...COMMON,
  label: described(TEXT, 'The step'),
  done: described(AMOUNT, 'Done so far, in `unit`'),
  total: described(AMOUNT, 'To be done, in `unit`; 0 where it is unknown'),
  unit: described(TEXT, 'What is counted, in the plural'),
  perSecond: described(AMOUNT, 'Mean rate of the step'),
  secondsLeft: described(z.optional(AMOUNT), 'Estimated remaining time of the step; absent before anything is done'),
});

const LOG = z.object({ type: z.literal('log'), ...COMMON, message: described(z.string(), 'A line about the work') });

const WARNING = z.object({
  type: z.literal('warning'),
  ...COMMON,
  message: described(z.string(), 'A line about a problem that did not stop the command'),
});

const RESULT = z.object({
  type: z.literal('result'),
  ...COMMON,
  exitCode: described(COUNT, 'Exit code of the command, such as 65 of `verify` that found damage'),
  report: described(
    z.looseObject({
      command: TEXT,
      rows: AMOUNT,
      bytes: AMOUNT,
      seconds: AMOUNT,
      cpuSeconds: AMOUNT,
      peakMemoryBytes: AMOUNT,
    }),
    'What `--json` prints',
  ),
});

const ERROR = z.object({
  type: z.literal('error'),
  ...COMMON,
  exitCode: described(SIZE, 'Exit code of the command'),
  reason: described(choice(FAILURES), 'Kind of the error'),
  message: described(z.string(), 'What is wrong, where, and what to do'),
  advice: described(TEXT, 'What to do about errors of this kind'),
  stack: described(z.optional(z.string()), 'Of a bug: where it happened'),
});

/** The types of events, in the order in which a command writes them. */
export const EVENT_TYPES = {
  start: START,
  progress: PROGRESS,
  log: LOG,
  warning: WARNING,
  result: RESULT,
  error: ERROR,
};

/** A line that `--events` writes. */
export type CommandEvent = z.infer<typeof COMMAND_EVENT>;
const COMMAND_EVENT = z.discriminatedUnion('type', [START, PROGRESS, LOG, WARNING, RESULT, ERROR]);

/** An event without what every event has. */
export type EventFields = CommandEvent extends infer E
  ? E extends unknown
    ? Omit<E, keyof typeof COMMON>
    : never
  : never;

/** Returns the JSON Schema of an event, which allows fields of later versions: docs/events.schema.json. */
export function eventsJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(COMMAND_EVENT, { io: 'input' });
  return { $schema, title: 'An event of a LanceFlow command', ...schema };
}

function described<S extends z.ZodMiniType>(schema: S, description: string): S {
  // The schema may describe other fields too.
  const own = schema.clone();
  z.globalRegistry.add(own, { description });
  return own;
}
