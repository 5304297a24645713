import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HIDDEN_STATES } from '../../workers/src/embed/transformer/architecture.ts';
import { PRECISIONS } from '../../workers/src/embed/transformer/graph-weights.ts';
import { POOLINGS } from '../../workers/src/embed/transformer/pooling.ts';
import { UNKNOWN_LETTERS } from '../../workers/src/embed/transformer/tokenizers/tokenizer.ts';
import { LONG_SEQUENCES } from '../../workers/src/embed/transformer/transformer-embedder.ts';
import { TRAILING_STOPS } from '../../workers/src/fasta/sequence.ts';
import { INDEX_KINDS } from '../../workers/src/index/index-plan.ts';
import { DEVICES } from '../../workers/src/onnx/onnx-session.ts';
import { SEARCH_MODES } from '../../workers/src/search/plan/strategies.ts';
import { METRICS } from '../../workers/src/vectors/metric.ts';
import { ROOT, temporaryFolder } from '../support/run.ts';
import { nextflow } from './support/nextflow.ts';

test('the schema agrees with nextflow.config and with the workers', async () => {
  const schema = JSON.parse(await readFile(join(ROOT, 'nextflow_schema.json'), 'utf8')) as {
    $defs: Record<string, { properties: Record<string, { default?: unknown; enum?: string[] }> }>;
  };
  const definitions = Object.assign({}, ...Object.values(schema.$defs).map(({ properties }) => properties));
  expect(definitions.index.enum).toEqual([...INDEX_KINDS]);
  expect(definitions.search.enum).toEqual([...SEARCH_MODES]);
  expect(definitions.metric.enum).toEqual([...METRICS]);
  expect(definitions.pooling.enum).toEqual([...POOLINGS]);
  expect(definitions.hidden_state.enum).toEqual([...HIDDEN_STATES]);
  expect(definitions.long_sequences.enum).toEqual([...LONG_SEQUENCES]);
  expect(definitions.unknown_letters.enum).toEqual([...UNKNOWN_LETTERS]);
  expect(definitions.trailing_stop.enum).toEqual([...TRAILING_STOPS]);
  expect(definitions.precision.enum).toEqual([...PRECISIONS]);
  expect(definitions.device.enum).toEqual([...DEVICES]);

  const folder = await temporaryFolder();
  const { stdout } = await nextflow(['config', '-flat', ROOT], folder);
  const defaults = Object.fromEntries(
    [...stdout.matchAll(/^params\.(\w+) = (.*)$/gm)].map(([, name, value]) => [name, value!.replaceAll("'", '')]),
  );
  const wanted = Object.entries(definitions as Record<string, { default?: unknown }>).map(([name, definition]) => [
    name,
    String(definition.default ?? null),
  ]);
  expect(defaults).toEqual(Object.fromEntries(wanted));
});

test('every profile is read', async () => {
  const folder = await temporaryFolder();
  const profiles = 'standard,docker,podman,singularity,apptainer,slurm,awsbatch,test';
  const { code, stdout } = await nextflow(['config', '-flat', '-profile', profiles, ROOT], folder);
  expect(code).toBe(0);
  expect(stdout).toContain('docker.enabled = true');
  expect(stdout).toContain("process.executor = 'awsbatch'");
  expect(stdout).toContain("params.model = 'kmer'");
});
