import { randomUUID } from 'node:crypto';
import type { SFN } from '@aws-sdk/client-sfn';
import type { CommandContext } from '../../../app/command.ts';
import { endMonitoringByError } from '../../../app/monitoring/monitor.ts';
import { UsageError } from '../../../base/errors.ts';
import { embedQueries } from '../../../embed/embed-queries.ts';
import { loadVectors } from '../../../import/load-vectors.ts';
import { type AskReport, loadStored, openAsked } from '../../../search/in-place/ask-and-write.ts';
import type { AskRequest } from '../../../search/in-place/ask-options.ts';
import { MOST_QUERIES, requireAnswerFits } from '../../../search/in-place/ask-settings.ts';
import { openStates, useRegion } from '../../clients.ts';
import type { AskEvent, AskResult } from '../ask-event.ts';
import { LAMBDA_MESSAGES } from '../lambda-messages.ts';
import { followExecution } from './follow-execution.ts';
import { writeRemoteAnswer } from './remote-answer.ts';
import { type EventQueries, sequencesForEvent, vectorsForEvent } from './remote-queries.ts';
import { parseStateMachine } from './state-machine.ts';

/** The options of `ask` that only matter with --remote, or change their meaning. */
export interface RemoteOptions {
  remote: string;
  database?: string | undefined;
  model?: string | undefined;
  concurrency?: number | undefined;
  timeout?: number | undefined;
  allowNucleotide?: boolean | undefined;
}

/**
 * Asks the functions on AWS Lambda: starts their state machine, follows it, and writes the neighbours as `ask` writes its own. A signal stops
 * the execution.
 * @throws UsageError if an option would have no effect, UserError of the function that failed
 */
export async function askRemotely(
  options: RemoteOptions,
  request: AskRequest,
  context: CommandContext,
): Promise<AskReport> {
  const machine = parseStateMachine(options.remote);
  requireEffect(options, request);
  const execution = `ask-${randomUUID()}`;
  const states = await openStates(await useRegion(machine.region));
  const { buckets, allowPartial } = request.options;
  const { concurrency } = options;
  const event: AskEvent = {
    ...(await queriesForEvent(options, request, machine.results, execution, context)),
    settings: request.settings,
    ...(buckets === undefined ? {} : { buckets: [...buckets] }),
    ...(concurrency === undefined ? {} : { concurrency }),
    allowPartial,
  };
  const input = JSON.stringify(event);
  const { executionArn = '' } = await states.startExecution({ stateMachineArn: machine.arn, name: execution, input });
  context.log(LAMBDA_MESSAGES.started(executionArn));
  const ignore = stopWithProcess(states, executionArn, context.log);
  try {
    const result = await followExecution(states, executionArn, context.log);
    const bytes = await writeRemoteAnswer(result, request.output);
    for (const { error } of result.failed) context.warn(error);
    return report(result, bytes);
  } finally {
    ignore();
  }
}

/** @throws UsageError that names options without an effect on this question */
function requireEffect({ database, model, timeout }: RemoteOptions, { queries, columns, output }: AskRequest): void {
  const { kind } = queries;
  const hasSequences = kind === 'text' || kind === 'files';
  const reasons = [
    ...(timeout === undefined ? [] : [LAMBDA_MESSAGES.unusedTimeout]),
    ...(database === undefined || kind === 'id' ? [] : [LAMBDA_MESSAGES.unusedDatabase]),
    ...(model === undefined || hasSequences ? [] : [LAMBDA_MESSAGES.unusedModel]),
    ...(columns.length === 0 && output.format !== 'fasta' ? [] : [LAMBDA_MESSAGES.unusedColumns]),
  ];
  if (reasons.length > 0) throw new UsageError(LAMBDA_MESSAGES.unusedRemotely(reasons));
}

async function queriesForEvent(
  { database, model, allowNucleotide }: RemoteOptions,
  request: AskRequest,
  results: string,
  execution: string,
  context: CommandContext,
): Promise<EventQueries> {
  const { queries: source, settings } = request;
  if ((source.kind === 'text' || source.kind === 'files') && model === undefined)
    return sequencesForEvent(source, allowNucleotide);
  if (source.kind === 'id' && database === undefined) throw new UsageError(LAMBDA_MESSAGES.idNeedsDatabase);
  const queries =
    source.kind === 'id'
      ? await loadStored(await openAsked(database!, request), source.id, context)
      : source.kind === 'vectors'
        ? await loadVectors(source.paths, source.named, MOST_QUERIES, context.log)
        : await embedQueries(source, model, {}, MOST_QUERIES, allowNucleotide);
  requireAnswerFits(settings, queries.ids.length);
  return vectorsForEvent(queries, results, execution);
}

/** Stops the execution when a signal stops this process. @returns a function that undoes this */
function stopWithProcess(states: SFN, executionArn: string, log: (text: string) => void): () => void {
  const stop = (signal: NodeJS.Signals) => {
    const message = LAMBDA_MESSAGES.stopping(executionArn);
    const exitCode = signal === 'SIGINT' ? 130 : 143;
    log(message);
    states
      .stopExecution({ executionArn, cause: `lanceflow ask was stopped by ${signal}` })
      .catch((error: unknown) => log(String(error)))
      .finally(() => {
        endMonitoringByError(exitCode, message);
        process.exit(exitCode);
      });
  };
  const signals = (['SIGINT', 'SIGTERM'] as const).map((signal) => {
    // Another handler would end the process before the request is sent.
    const others = process.listeners(signal);
    process.removeAllListeners(signal).once(signal, stop);
    return { signal, others };
  });
  return () => {
    for (const { signal, others } of signals) {
      process.removeListener(signal, stop);
      for (const other of others) process.on(signal, other);
    }
  };
}

function report(result: AskResult, bytes: number): AskReport {
  const { rows, queries, settings, vectors, failed, read, dollars, buckets } = result;
  return {
    rows,
    bytes,
    queries,
    k: settings.k,
    buckets: buckets.map(({ bucket, fingerprint, strategy, nprobes, refineFactor, isEstimated, usage }) => ({
      ...{ bucket, fingerprint, strategy, nprobes, refineFactor, isEstimated },
      ...{ requests: usage.requests, bytes: usage.bytes, milliseconds: { search: usage.milliseconds } },
    })),
    vectors,
    failed,
    readRequests: read.requests,
    readBytes: read.bytes,
    isEstimated: buckets.some(({ isEstimated }) => isEstimated),
    dollars: dollars.total,
    remote: true,
  };
}
