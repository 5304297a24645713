import type { UserError } from '../../base/errors.ts';
import { REMEDY } from '../cloud-messages.ts';

/** The result of a check. `remedy` says how to fix a failure; a `note` is for information. */
export interface Finding {
  check: string;
  status: 'ok' | 'failed' | 'note';
  found: string;
  remedy?: string;
}

export const ok = (check: string, found: string): Finding => ({ check, status: 'ok', found });
export const note = (check: string, found: string): Finding => ({ check, status: 'note', found });
export const failed = (check: string, found: string, remedy: string): Finding => ({
  check,
  status: 'failed',
  found,
  remedy,
});

/** Turns an error into a failed finding: its first sentence is the finding, the others are the remedy. */
export function failedBy(check: string, { message }: UserError, remedy?: string): Finding {
  const [found = '', ...rest] = message.split(/(?<=\.) (?=[A-Z])/);
  return failed(check, found, remedy ?? (rest.join(' ') || REMEDY.docs));
}

/** Formats findings as lines: status, check, finding, and the remedy below. */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .flatMap(({ check, status, found, remedy }) => [
      `${status.padEnd(6)}  ${check.padEnd(width)}  ${found}`,
      ...(remedy === undefined ? [] : [`${' '.repeat(width + 10)}-> ${remedy}`]),
    ])
    .join('\n');
}
