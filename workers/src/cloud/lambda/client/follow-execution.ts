import { setTimeout as sleep } from 'node:timers/promises';
import type { SFN } from '@aws-sdk/client-sfn';
import { DataError } from '../../../base/errors.ts';
import { checkDocument, parseJson } from '../../../base/text/document.ts';
import { ASK_RESULT, type AskResult } from '../ask-event.ts';
import { isKilled, toHandlerError } from '../handler-errors.ts';
import { LAMBDA_MESSAGES } from '../lambda-messages.ts';
import { AskAgainError } from '../question-errors.ts';

/** Time between two requests for the state: a short question must not wait, a long one not pay. */
const POLL_MS = { first: 200, factor: 1.3, most: 2000 };

/**
 * Follows an execution to its end, and reports its states.
 * @param arn of the execution
 * @throws the error of the function that failed; AskAgainError if it was stopped
 */
export async function followExecution(states: SFN, arn: string, say: (text: string) => void): Promise<AskResult> {
  let last = '';
  for (let waitMs = POLL_MS.first; ; waitMs = Math.min(waitMs * POLL_MS.factor, POLL_MS.most)) {
    const { status, output = '', error = '', cause = '' } = await states.describeExecution({ executionArn: arn });
    if (status === 'SUCCEEDED') {
      const fail = (problem: string) => new DataError(LAMBDA_MESSAGES.wrongOutput(arn, problem));
      return checkDocument(ASK_RESULT, parseJson(output), fail);
    }
    if (status === 'FAILED') {
      const reported = toHandlerError(error, cause);
      // A function that was killed did not say which it is.
      if (isKilled(error))
        throw new AskAgainError(LAMBDA_MESSAGES.endedIn((await currentState(states, arn)) ?? last, reported.message));
      throw reported;
    }
    if (status !== 'RUNNING') throw new AskAgainError(LAMBDA_MESSAGES.stopped(arn, `${status}`));
    const state = await currentState(states, arn);
    if (state !== undefined && state !== last) say(LAMBDA_MESSAGES.state(state));
    last = state ?? last;
    await sleep(waitMs);
  }
}

async function currentState(states: SFN, executionArn: string): Promise<string | undefined> {
  const { events = [] } = await states.getExecutionHistory({ executionArn, reverseOrder: true, maxResults: 100 });
  const latestFirst = events.sort((a, b) => (b.id ?? 0) - (a.id ?? 0));
  const names = latestFirst.map(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name);
  return names.find((name) => name !== undefined && !/^(Has|Is|SearchBucket$|SearchOne|Name)/.test(name));
}
