// The texts about what a run took, beside what it was planned to take.

import { formatCount } from '../format.ts';

export const OUTCOME_TEXTS = {
  planTitle: 'Plan and outcome',
  planColumns: {
    stage: 'Stage',
    tasks: ['#Tasks planned', '#ran'],
    seconds: ['#Time planned', '#took'],
    bytesRead: ['#Read planned', '#read'],
    bytesWritten: ['#Output planned', '#written'],
    dollars: ['#Cost planned', '#cost'],
  },
  plan: (version: string) =>
    `What the stages took, beside the plan that LanceFlow ${version} made before the first task. Time is that in which at least one task of the stage ran. ` +
    'Small figures below the plan are its interval, those below the outcome the multiple of the plan.',
  cost: (machine: string, date: string) => `Costs are those of ${machine} at the prices of ${date}.`,
  noCost: (machine: string) => `No price is known for ${machine}.`,
  total: 'Run',
  totalNote:
    'The planned time of the run includes starting and pauses of the pipeline itself. What was read includes the files of the program, some megabytes a task.',
  buildHeading: 'Build of the database',
  buildTitle: 'LanceFlow: build of the database',
  buildNote: 'The stages that built the database, with their time and memory.',
  buildFooter: 'outcome.json beside this page has the same figures for programs.',
  ratio: (ratio: number) => `${ratio >= 100 ? formatCount(ratio) : ratio.toPrecision(2)} x`,
  interval: (low: string, high: string) => `${low} to ${high}`,
} as const;
