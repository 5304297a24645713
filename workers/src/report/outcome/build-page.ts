import type { RunPlan } from '../../forecast/run-plan.ts';
import { pageOf } from '../page.ts';
import { OUTCOME_TEXTS } from './outcome-texts.ts';
import { planSection } from './plan-section.ts';
import { stageSection } from './stage-section.ts';
import type { WorkerReport } from './worker-report.ts';

/** Renders the page of a run that only builds. @param plan of the run, where one was made */
export function renderBuild(reports: readonly WorkerReport[], plan: RunPlan | undefined): string {
  const { buildTitle: title, buildHeading: heading, buildNote: note, buildFooter: footer } = OUTCOME_TEXTS;
  const sections = [...(plan ? [planSection(plan, reports)] : []), stageSection(reports)];
  return pageOf({ title, heading, note, footer }, reports, sections);
}
