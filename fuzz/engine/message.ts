import { HOSTILE_TEXTS } from '../mutate/hostile.ts';

const MOST_LETTERS = 3000;

/** What is wrong with what a command said when it refused its input; undefined where a person can act on it. */
export function messageProblem(command: string, stderr: string): string | undefined {
  const text = stderr.trimEnd();
  if (!text.includes(`lanceflow ${command}: `)) return 'the refusal does not begin with the name of the command';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text)) return 'the message has control characters, which terminals obey';
  if (/\n\s+at .*:\d+:\d+\)?$/m.test(text)) return 'the message has a stack';
  if (text.length > MOST_LETTERS) return `the message has ${text.length} letters`;
  return undefined;
}

/** Hostile markup that came out as it went in. */
export function unescapedMarkup(html: string): string | undefined {
  return HOSTILE_TEXTS.find((text) => text.includes('<') && html.includes(text));
}
