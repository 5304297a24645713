import { HOSTILE_TEXTS } from '../mutate/hostile.ts';

const MOST_LETTERS = 3000;

/** Returns the defect of a refusal's message; undefined where a person can act on it. */
export function messageProblem(command: string, stderr: string): string | undefined {
  const text = stderr.trimEnd();
  if (!text.includes(`lanceflow ${command}: `)) return 'the refusal does not begin with the name of the command';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the check is for these
  if (/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text)) return 'the message has control characters, which terminals obey';
  if (/\n\s+at .*:\d+:\d+\)?$/m.test(text)) return 'the message has a stack';
  if (text.length > MOST_LETTERS) return `the message has ${text.length} letters`;
  return undefined;
}

/** Finds hostile markup that was not escaped. */
export function unescapedMarkup(html: string): string | undefined {
  return HOSTILE_TEXTS.find((text) => text.includes('<') && html.includes(text));
}
