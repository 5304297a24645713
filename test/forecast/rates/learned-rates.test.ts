import { describe, expect, it } from 'vitest';
import { PRICES } from '../../../workers/src/forecast/machines/price-table.ts';
import { learnFactors } from '../../../workers/src/forecast/rates/learned-rates.ts';
import { MEASURED } from '../../../workers/src/forecast/rates/run-rates.ts';
import type { ForecastModel, RunRequest } from '../../../workers/src/forecast/run-request.ts';
import type { Outcome, OutcomeStage } from '../../../workers/src/run/outcome.ts';

const KMER: ForecastModel = { name: 'kmer', dimension: 960 };
const LANGUAGE_MODEL: ForecastModel = { name: 'model', dimension: 960, flopsOf: (tokens) => tokens * 1e9 };

const [machine] = PRICES.machines as [(typeof PRICES.machines)[number]];
const requestOf = (model: ForecastModel): RunRequest => ({
  ...{ model, existing: [], isRemote: false },
  cluster: { machine, light: machine, machines: 1, prices: PRICES, copiesInputs: false },
  forecastSearch: () => {
    throw new Error('nothing is searched');
  },
});

/** The embedding of 1000 sequences of 300 residues. */
const embedding = (fields: Partial<OutcomeStage>): OutcomeStage => ({
  ...{ command: 'embed-sequences', settings: { model: 'kmer', dimension: 960 }, state: 'done', tasks: 1 },
  ...{ rows: 1000, residues: 300_000, computed: 1000, seconds: 10, longestSeconds: 10, cpuSeconds: 10 },
  ...{ peakMemoryBytes: 0, bytes: 0, requests: 0, bytesSent: 0, bytesReceived: 0, ...fields },
});

function factorOf(model: ForecastModel, outcome: Partial<Outcome>): number | undefined {
  const whole = { format: 1 as const, version: '0.1.0', stages: [], ...outcome };
  const factors = learnFactors(requestOf(model), MEASURED, [{ path: 'outcome.json', outcome: whole }], []);
  return factors.get('embed-sequences')?.cpu;
}

describe('rates of embedding from an outcome', () => {
  const language = { model: 'esm2', dimension: 960 };

  it('are those of a model of the same kind and dimension', () => {
    expect(factorOf(KMER, { stages: [embedding({})] })).toBeGreaterThan(0);
    expect(factorOf(LANGUAGE_MODEL, { stages: [embedding({ settings: language })] })).toBeGreaterThan(0);
    for (const settings of [{}, { model: 'kmer' }, language, { ...language, model: 'kmer', dimension: 480 }])
      expect(factorOf(KMER, { stages: [embedding({ settings })] }), JSON.stringify(settings)).toBeUndefined();
    for (const settings of [{}, { model: 'kmer', dimension: 960 }, { ...language, dimension: 1280 }])
      expect(factorOf(LANGUAGE_MODEL, { stages: [embedding({ settings })] }), JSON.stringify(settings)).toBeUndefined();
  });

  it('count only the sequences that were embedded', () => {
    const of = (fields: Partial<OutcomeStage>) =>
      factorOf(LANGUAGE_MODEL, { stages: [embedding({ settings: language, ...fields })] });
    // Half of the sequences for half of the time.
    expect(of({ computed: 500, cpuSeconds: 5 })! / of({})!).toBeCloseTo(1, 1);
    expect(of({ computed: 0 })).toBeUndefined();
    expect(of({ state: 'found' })).toBeUndefined();
  });

  it('are also those of an earlier run, which the outcome carries', () => {
    const stages = [embedding({})];
    expect(factorOf(KMER, { earlier: stages })).toBe(factorOf(KMER, { stages }));
  });
});
