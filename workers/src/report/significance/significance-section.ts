import { comparisonChart } from '../charts.ts';
import { formatCount } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { NeighbourSummary } from '../neighbours.ts';
import { fact } from '../page-parts.ts';
import { BACKGROUND_TEXTS, SIGNIFICANCE } from '../report-text.ts';
import { FIRST_NEIGHBOUR, firstNeighbour } from '../targets/first-neighbour-texts.ts';
import type { Background } from './background.ts';
import type { Significance } from './significance.ts';

/** Shares of unrelated pairs between which the chart shows them: few outliers would shrink all else. */
const [NEAREST_PAIRS, FARTHEST_PAIRS] = [0.0005, 0.9995];

/** Builds the fact of how many queries have no significant neighbour. */
export function significanceFact({ insignificant, queries, maxEvalue }: Significance): Html {
  if (insignificant === undefined) return fact(SIGNIFICANCE.fact, SIGNIFICANCE.unknown, SIGNIFICANCE.unknownNote);
  return fact(
    SIGNIFICANCE.fact,
    SIGNIFICANCE.share(formatCount(insignificant), formatCount(queries)),
    SIGNIFICANCE.level(maxEvalue),
  );
}

/** Builds the section that says which neighbours chance would explain, with the distances of unrelated pairs. */
export function significanceSection(significance: Significance, summary: NeighbourSummary): Html {
  const { background, insignificant, queries, maxEvalue, dropped } = significance;
  if (queries === 0) return html``;
  const counted =
    insignificant === undefined
      ? howToGetEvalues(significance)
      : SIGNIFICANCE.counted(insignificant, queries, maxEvalue, dropped?.count ?? 0);
  return html`<h2>${SIGNIFICANCE.title}</h2>
<p>${counted}</p>
${background ? backgroundFigure(background, summary, dropped ? BACKGROUND_TEXTS.withoutDropped : '') : ''}`;
}

function howToGetEvalues({ unmeasured, isOfCodes }: Significance): string {
  if (unmeasured.length > 0) return SIGNIFICANCE.indexAgain(unmeasured);
  return isOfCodes ? SIGNIFICANCE.ofCodes : SIGNIFICANCE.noEvalues;
}

/** @param note added to the explanation */
function backgroundFigure(background: Background, summary: NeighbourSummary, note: string): Html {
  const { nearest } = summary;
  const found = nearest.range();
  if (!found) return html``;
  const range = [
    Math.min(found[0], background.quantile(NEAREST_PAIRS)),
    Math.max(found[1], background.quantile(FARTHEST_PAIRS)),
  ] as const;
  const first = firstNeighbour(summary);
  const title = FIRST_NEIGHBOUR.background(first);
  const quantiles = [nearest.quantile(0.5), background.quantile(0.5), background.quantile(0.01)] as const;
  const medians = BACKGROUND_TEXTS.medians(first, ...quantiles);
  return html`<figure class="single"><h3>${title}</h3>
<p class="note">${medians} ${BACKGROUND_TEXTS.caution} ${note}</p>
${comparisonChart([first, nearest], background, range, `${title}. ${medians}`)}</figure>`;
}
