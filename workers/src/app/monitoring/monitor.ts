import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EXIT, UsageError } from '../../base/errors.ts';
import { printableJsonPieces } from '../../base/text/printable.ts';
import type { ProgressState } from '../../base/text/progress-text.ts';
import { checkFilePath } from '../file-options.ts';
import { startMeter, type Usage } from '../meter.ts';
import { s3Usage } from '../usage.ts';
import { LANCEFLOW_VERSION } from '../version.ts';
import { embeddedMetricsLine } from './embedded-metrics.ts';
import { listenTo } from './event-bus.ts';
import { describeFault, type EventFile, openEventFile } from './event-file.ts';
import type { EVENTS_FORMAT, EventFields, FAILURES } from './event-schema.ts';
import { cloudFiguresOf, type Figures, metricsOf } from './figures.ts';
import { prepareMetricsFile, replaceFile } from './metrics-file.ts';
import { ADVICE, MONITORING_MESSAGES } from './monitoring-messages.ts';
import { openMetricsText } from './open-metrics.ts';

/** Files of one command that its options name. */
export interface MonitoringFiles {
  events?: string | undefined;
  metrics?: string | undefined;
}

/** A command whose events and metrics are written. */
export interface MonitoredCommand extends MonitoringFiles {
  command: string;
  /** For the start event: see `shownOptions`. */
  options?: Extract<EventFields, { type: 'start' }>['options'];
  /** Writes a line to standard error. */
  say(line: string): void;
}

/** Its schema is not loaded here, because that would delay every command. */
const FORMAT: typeof EVENTS_FORMAT = 1;
const METRICS_EVERY_MS = 10_000;
const CLOUD_EVERY_MS = 60_000;
const SIGNAL = 128;

/** Dimensions of the metrics for CloudWatch. */
interface Cloud {
  campaign: string | undefined;
}

/** How a command ended; undefined while it runs. */
type Last = Pick<Figures, 'exitCode' | 'rows' | 'bytes'>;

let current: Monitor | undefined;

/**
 * Starts to write the events and metrics of this process's command: into the files of its options, into a folder that
 * LANCEFLOW_MONITORING names, and with LANCEFLOW_CLOUDWATCH metrics to standard error.
 * @throws an error for a file of the options that cannot be written, before the command does any work
 */
export function startMonitoring(monitored: MonitoredCommand, env = process.env): void {
  const folder = env.LANCEFLOW_MONITORING;
  const inCloud = isCloudWatched(env.LANCEFLOW_CLOUDWATCH);
  if (monitored.events === undefined && monitored.metrics === undefined && !folder && !inCloud) return;
  current = new Monitor(monitored, folder, inCloud ? { campaign: env.LANCEFLOW_CAMPAIGN } : undefined);
}

function isCloudWatched(value: string | undefined): boolean {
  if (value && !['true', 'false'].includes(value)) throw new UsageError(MONITORING_MESSAGES.wrongVariable(value));
  return value === 'true';
}

/** Returns whether `startMonitoring` found something to write. */
export function isMonitored(): boolean {
  return current !== undefined;
}

/** Writes the last event and the last metrics of a command that ended by itself. */
export function endMonitoring(
  exitCode: number,
  report: Usage & { command: string; rows: number; bytes: number },
): void {
  current?.end(exitCode, { type: 'result', exitCode, report: { ...report } }, report);
}

/** Writes the last event and the last metrics of a command that failed. @param stack of a bug */
export function endMonitoringByError(exitCode: number, message: string, stack?: string): void {
  const reason = reasonOf(exitCode);
  const text = { exitCode, reason, message, advice: ADVICE[reason], ...(stack === undefined ? {} : { stack }) };
  current?.end(exitCode, { type: 'error', ...text });
}

function reasonOf(exitCode: number): (typeof FAILURES)[number] {
  const names = {
    [EXIT.usage]: 'usage',
    [EXIT.data]: 'data',
    [EXIT.transient]: 'transient',
    [EXIT.bug]: 'bug',
  } as const;
  return names[exitCode as keyof typeof names] ?? (exitCode > SIGNAL ? 'stopped' : 'other');
}

class Monitor {
  readonly #command: string;
  readonly #run = randomUUID();
  readonly #say: (line: string) => void;
  readonly #startedMs = Date.now();
  readonly #meter = startMeter();
  readonly #labels: Record<string, string>;
  readonly #cloud: Cloud | undefined;
  /** Writers by what they write; one that failed is removed. */
  readonly #events: { path: string; file: EventFile }[] = [];
  readonly #metrics: string[] = [];
  /** Steps that have begun and not ended, the last one last. */
  readonly #steps = new Map<string, ProgressState>();
  #hasEnded = false;

  constructor(monitored: MonitoredCommand, folder: string | undefined, cloud: Cloud | undefined) {
    const { command, options, events, metrics, say } = monitored;
    this.#command = command;
    this.#say = say;
    this.#cloud = cloud;
    const { bucket } = options ?? {};
    this.#labels = {
      command,
      ...(typeof bucket === 'string' ? { bucket } : {}),
      ...(folder ? { run: this.#run } : {}),
    };
    if (events !== undefined) this.#openEvents(events, '--events');
    if (metrics !== undefined) this.#openMetrics(metrics, '--metrics');
    if (folder) this.#openFolder(folder);
    listenTo({
      message: (type, message) => this.#append({ type, message }),
      progress: (state, hasEnded) => this.#showProgress(state, hasEnded),
    });
    const { pid } = process;
    const start = { format: FORMAT, version: LANCEFLOW_VERSION, host: hostname(), pid } as const;
    this.#append({ type: 'start', ...start, ...(options === undefined ? {} : { options }) });
    this.#writeMetrics(undefined);
    if (this.#metrics.length > 0) setInterval(() => this.#writeMetrics(undefined), METRICS_EVERY_MS).unref();
    if (cloud) setInterval(() => this.#sayCloudMetrics(undefined), CLOUD_EVERY_MS).unref();
  }

  end(exitCode: number, event: EventFields, { rows, bytes }: { rows?: number; bytes?: number } = {}): void {
    this.#append(event);
    const last = { exitCode, rows, bytes };
    this.#writeMetrics(last);
    // A result that standard output did not take is followed by an error. CloudWatch would add its figures twice.
    if (!this.#hasEnded) this.#sayCloudMetrics(last);
    this.#hasEnded = true;
  }

  #openEvents(path: string, option: string): void {
    checkFilePath(option, path);
    this.#events.push({ path, file: openEventFile(path) });
  }

  #openMetrics(path: string, option: string): void {
    checkFilePath(option, path);
    prepareMetricsFile(path);
    this.#metrics.push(path);
  }

  /** The folder is the run's setting, not this command's: a task whose machine lacks it works all the same. */
  #openFolder(folder: string): void {
    const name = `${this.#command}-${this.#run}`;
    try {
      this.#openEvents(join(folder, `${name}.ndjson`), 'LANCEFLOW_MONITORING');
      this.#openMetrics(join(folder, `${name}.prom`), 'LANCEFLOW_MONITORING');
    } catch (error) {
      this.#say(MONITORING_MESSAGES.stopped('events and metrics', folder, describeFault(error)));
    }
  }

  #append(event: EventFields): void {
    if (this.#events.length === 0) return;
    const { type, ...fields } = event;
    const common = { time: new Date().toISOString(), run: this.#run, command: this.#command };
    const record = { type, ...common, ...fields };
    this.#each(this.#events, 'events', ({ file }) => file.append(printableJsonPieces(record)));
  }

  #showProgress(state: ProgressState, hasEnded: boolean): void {
    const { label, done, total, unit, perSecond, etaSeconds } = state;
    this.#steps.delete(label);
    if (!hasEnded) this.#steps.set(label, state);
    const secondsLeft = etaSeconds === undefined ? {} : { secondsLeft: etaSeconds };
    this.#append({ type: 'progress', label, done, total, unit, perSecond, ...secondsLeft });
  }

  #figures(last: Last | undefined): Figures {
    return {
      usage: this.#meter.read(),
      s3: s3Usage(),
      progress: last === undefined ? [...this.#steps.values()].at(-1) : undefined,
      startedMs: this.#startedMs,
      nowMs: Date.now(),
      ...{ exitCode: last?.exitCode, rows: last?.rows, bytes: last?.bytes },
    };
  }

  #writeMetrics(last: Last | undefined): void {
    if (this.#metrics.length === 0) return;
    const text = openMetricsText(metricsOf(this.#figures(last)), this.#labels);
    this.#each(
      this.#metrics.map((path) => ({ path })),
      'metrics',
      ({ path }) => replaceFile(path, text),
    );
  }

  #sayCloudMetrics(last: Last | undefined): void {
    if (!this.#cloud) return;
    const names = { command: this.#command, campaign: this.#cloud.campaign };
    const { bucket } = this.#labels;
    const properties = { run: this.#run, version: LANCEFLOW_VERSION, ...(bucket === undefined ? {} : { bucket }) };
    this.#say(embeddedMetricsLine(cloudFiguresOf(this.#figures(last)), names, properties, Date.now()));
  }

  /** Writes to each file. One that fails is told of once and not written any more, because the command's work matters more. */
  #each<T extends { path: string }>(files: readonly T[], what: string, write: (file: T) => void): void {
    for (const file of [...files])
      try {
        write(file);
      } catch (error) {
        this.#drop(file.path);
        this.#say(MONITORING_MESSAGES.stopped(what, file.path, describeFault(error)));
      }
  }

  #drop(path: string): void {
    const event = this.#events.findIndex((file) => file.path === path);
    if (event >= 0) this.#events.splice(event, 1);
    const metrics = this.#metrics.indexOf(path);
    if (metrics >= 0) this.#metrics.splice(metrics, 1);
  }
}
