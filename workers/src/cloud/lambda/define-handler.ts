import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type * as z from 'zod/mini';
import { numberVariable } from '../../app/environment.ts';
import { s3Usage } from '../../app/usage.ts';
import { untilAborted } from '../../base/concurrency/until-aborted.ts';
import { TransientError, UsageError, UserError } from '../../base/errors.ts';
import { checkDocument } from '../../base/text/document.ts';
import { type CallUsage, REQUEST_EVENT } from './ask-event.ts';
import { reportedError, shortened } from './handler-errors.ts';
import { LAMBDA_MESSAGES } from './lambda-messages.ts';
import { AskAgainError, isWrongQuestion, WrongQuestionError } from './question-errors.ts';
import { openResults, type ResultsBucket } from './results-bucket.ts';

/** The part of Lambda's context that handlers use. */
export interface CallContext {
  awsRequestId: string;
  memoryLimitInMB: string;
  getRemainingTimeInMillis(): number;
}

/** What a handler works with. */
export interface Call {
  results: ResultsBucket;
  /** Aborted shortly before Lambda ends the call. */
  signal: AbortSignal;
  /** Milliseconds of phases, which become metrics: `{ open: 12 }` is `OpenMilliseconds`. */
  phases: Record<string, number>;
  /** Returns what the call has taken so far. */
  usage(): CallUsage;
}

/** A function of Lambda. */
export type Handler<R> = (event: unknown, context: CallContext) => Promise<R>;

/** Lambda ends a call at its time limit without a word: it must have failed before. */
const MARGIN_MS = 1500;

const serviceName = process.env.POWERTOOLS_SERVICE_NAME ?? 'lanceflow-ask';
const logger = new Logger({ serviceName });
const metrics = new Metrics({ serviceName, namespace: process.env.POWERTOOLS_METRICS_NAMESPACE ?? 'LanceFlow' });
let isCold = true;

/**
 * Defines a function: checks its event, ends it with a clear error before its time limit, and writes a log line and metrics for each call.
 * @param step name of the function
 * @param labels fields of the event that log lines have
 */
export function defineHandler<S extends z.ZodMiniType, R>(
  step: string,
  schema: S,
  labels: (event: z.output<S>) => { execution: string; bucket?: string },
  run: (event: z.output<S>, call: Call) => Promise<R>,
): Handler<R> {
  return async (event, context) => {
    const startedMs = performance.now();
    const before = s3Usage();
    const phases: Record<string, number> = {};
    const usage = () => {
      const now = s3Usage();
      return {
        milliseconds: Math.round(performance.now() - startedMs),
        memoryMb: Number(context.memoryLimitInMB),
        diskMb: numberVariable('LANCEFLOW_DISK_MB', 512, { least: 1 }),
        requests: now.requests - before.requests,
        bytes: now.receivedBytes - before.receivedBytes,
      };
    };
    logger.resetKeys();
    logger.appendKeys({ step, request: context.awsRequestId, coldStart: isCold });
    if (isCold) metrics.addMetric('ColdStart', MetricUnit.Count, 1);
    isCold = false;
    let what = step;
    try {
      // Other events come from the state machine.
      const WrongEvent = Object.is(schema, REQUEST_EVENT) ? WrongQuestionError : UsageError;
      const fail = (problem: string) => new WrongEvent(LAMBDA_MESSAGES.wrongEvent(step, withoutQueries(problem)));
      const checked = checkDocument(schema, event, fail);
      const named = labels(checked);
      logger.appendKeys(named);
      what = named.bucket ?? step;
      using timer = deadline(context, what);
      const { signal } = timer;
      const results = await openResults(variable('LANCEFLOW_RESULTS'));
      const result = await untilAborted(run(checked, { results, signal, phases, usage }), signal);
      logger.info(`${step} has answered`, { ...usage(), phases });
      return result;
    } catch (thrown) {
      const error = reportedError(thrown, step, what);
      const isBug = !(error instanceof UserError);
      metrics.addMetric(failureMetric(error), MetricUnit.Count, 1);
      logger.error(`${step} has failed`, { ...usage(), phases, ...describe(error, isBug) });
      throw shortened(error);
    } finally {
      publish(step, phases, usage());
    }
  };
}

/** Returns the metric that counts an error: the alarms of the template subtract wrong questions, and faults that the state machine retries. */
export function failureMetric(error: unknown): string {
  if (isWrongQuestion(error)) return 'WrongQuestions';
  return error instanceof TransientError && !(error instanceof AskAgainError) ? 'TransientFaults' : 'Failures';
}

/** Reads a variable of the function. @throws UsageError if it is not set */
export function variable(name: string): string {
  const value = process.env[name];
  if (!value) throw new UsageError(LAMBDA_MESSAGES.noVariable(name));
  return value;
}

/** Queries may be confidential, and errors are logged. */
function withoutQueries(problem: string): string {
  return problem.replace(
    /^("request\.(?:sequences|vectors)\b[^ ]*") is (?!missing|unknown).*(; it must)/s,
    '$1 is wrong$2',
  );
}

function deadline(context: CallContext, what: string): Disposable & { signal: AbortSignal } {
  const limitMs = Math.max(0, context.getRemainingTimeInMillis() - MARGIN_MS);
  const controller = new AbortController();
  const abort = () => controller.abort(new AskAgainError(LAMBDA_MESSAGES.outOfTime(what, Math.round(limitMs / 1000))));
  const timer = setTimeout(abort, limitMs).unref();
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

function describe(error: unknown, isBug: boolean): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) };
  return { error: error.name, reason: error.message, ...(isBug ? { stack: error.stack } : {}) };
}

function publish(step: string, phases: Readonly<Record<string, number>>, { requests, bytes, milliseconds }: CallUsage) {
  metrics.addDimension('step', step);
  metrics.addMetric('Requests', MetricUnit.Count, requests);
  metrics.addMetric('BytesRead', MetricUnit.Bytes, bytes);
  metrics.addMetric('Milliseconds', MetricUnit.Milliseconds, milliseconds);
  for (const [phase, value] of Object.entries(phases))
    metrics.addMetric(`${phase[0]!.toUpperCase()}${phase.slice(1)}Milliseconds`, MetricUnit.Milliseconds, value);
  metrics.publishStoredMetrics();
}
