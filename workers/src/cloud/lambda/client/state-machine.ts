import { UsageError } from '../../../base/errors.ts';
import { LAMBDA_MESSAGES } from '../lambda-messages.ts';

/** A state machine of infra/lanceflow-ask.yaml. */
export interface StateMachine {
  /** With the alias or the version, if it has one. */
  arn: string;
  region: string;
  /** Address of the bucket with queries and answers. */
  results: string;
}

const ARN = /^arn:[a-z-]+:states:([a-z0-9-]+):(\d{12}):stateMachine:([a-z0-9-]+-ask)(?::[\w-]+)?$/;

/** Parses the ARN of a state machine or its alias. @throws UsageError if it is another one */
export function parseStateMachine(arn: string): StateMachine {
  const [, region, account, name] = ARN.exec(arn.trim()) ?? [];
  if (region === undefined) throw new UsageError(LAMBDA_MESSAGES.wrongArn(arn));
  return { arn: arn.trim(), region, results: `s3://${name}-${account}-${region}` };
}
