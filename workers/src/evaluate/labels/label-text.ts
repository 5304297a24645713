import { counted } from '../../base/text/counted.ts';
import { formatTable } from '../../base/text/format-table.ts';
import type { Evaluation } from '../evaluation.ts';
import { recallText, settingsText } from '../point-text.ts';
import type { LabelEvaluation } from './evaluate-labels.ts';

/** A terminal shows at most this many families. */
const MOST_FAMILIES = 20;

const decimals = (value: number) => value.toFixed(4);

/** Formats what searches found as a table for a terminal, then the families that the first of them found worst. @param columns of the terminal */
export function labelTables({ searches, k }: LabelEvaluation, columns?: number): string {
  const header = [
    'search',
    'sensitivity (95%)',
    `precision@${k}`,
    `recall@${k}`,
    'sensitivity by family',
    'cut queries',
  ];
  const rows = searches.map(({ sensitivity, precision, recall, ofFamilies, cutQueries, ...settings }) => [
    settingsText(settings),
    recallText(sensitivity),
    decimals(precision.mean),
    decimals(recall.mean),
    decimals(ofFamilies.sensitivity),
    String(cutQueries),
  ]);
  return `${formatTable([header, ...rows], columns)}\n\n${worstFamilies(searches[0]!, k, columns)}`;
}

function worstFamilies(search: LabelEvaluation['searches'][number], k: number, columns?: number): string {
  const worst = search.families.toSorted((a, b) => a.sensitivity - b.sensitivity || b.members - a.members);
  const header = ['family', 'members', 'queries', 'sensitivity', `precision@${k}`, `recall@${k}`];
  const rows = worst
    .slice(0, MOST_FAMILIES)
    .map(({ label, members, queries, sensitivity, precision, recall }) => [
      label,
      String(members),
      String(queries),
      ...[sensitivity, precision, recall].map(decimals),
    ]);
  const more = worst.length > rows.length ? ` (${rows.length} of ${worst.length}; all are in --output)` : '';
  return `Families, lowest sensitivity by ${settingsText(search)} first${more}:\n${formatTable([header, ...rows], columns)}`;
}

/** Summarizes an evaluation in one line. */
export function evaluationSummary(evaluation: Evaluation | LabelEvaluation): string {
  const queries = counted(evaluation.queries, 'query');
  if ('searches' in evaluation) {
    const [{ sensitivity, ...settings }] = evaluation.searches as [LabelEvaluation['searches'][number]];
    return `${queries}; sensitivity up to the first false target ${recallText(sensitivity)} by ${settingsText(settings)}`;
  }
  const { points, recommended } = evaluation;
  const best = recommended === undefined ? 'none reaches the recall' : settingsText(points[recommended]!);
  return `${counted(points.length, 'point')}, ${queries}; recommended: ${best}`;
}
