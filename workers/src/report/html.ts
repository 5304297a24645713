import { printable } from '../base/text/printable.ts';

/** Markup that needs no escaping. Only `html`, the charts, and the page's style sheet and script create it. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
}

/** Content of a template's placeholder. */
export type Content = Html | string | number | undefined | readonly Content[];

/**
 * Builds markup: html`<b>${text}</b>`. Contents are escaped unless `html` created them, so ids that look like markup stay text, and control
 * characters are shown as escapes. Attribute values must be in double quotes.
 */
export function html(parts: TemplateStringsArray, ...contents: Content[]): Html {
  return new Html(parts.reduce((markup, part, i) => markup + markupOf(contents[i - 1]) + part));
}

function markupOf(content: Content): string {
  if (content === undefined) return '';
  if (content instanceof Html) return content.markup;
  if (typeof content === 'object') return content.map(markupOf).join('');
  return escapeText(String(content));
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeText(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
