import { badGoal } from './forecast-messages.ts';

/** What bucket sizes are compared for. */
export type Goal = { kind: 'cheapest' } | { kind: 'fastest' } | { kind: 'hours' | 'dollars'; limit: number };

/** Parses `--goal`. @throws UsageError for any other text */
export function parseGoal(text: string): Goal {
  if (text === 'cheapest' || text === 'fastest') return { kind: text };
  const [, kind, value] = /^(hours|dollars)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  const limit = Number(value);
  if (kind === undefined || !(limit > 0)) throw badGoal(text);
  return { kind: kind as 'hours' | 'dollars', limit };
}

/** Formats a goal as `--goal` takes it. */
export function formatGoal(goal: Goal): string {
  return 'limit' in goal ? `${goal.kind}=${goal.limit}` : goal.kind;
}
