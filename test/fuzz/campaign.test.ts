import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCampaign } from '../../fuzz/engine/campaign.ts';
import { FORMATS } from '../../fuzz/formats/all.ts';
import { temporaryFolder } from '../support/run.ts';

/** Formats whose valid files are quick to write; `npm run fuzz` covers all. */
const SHORT = ['fasta', 'fasta.gz', 'hdf5', 'model-folder', 'params-file'];

it('commands refuse changed files, or answer correctly: a short campaign', { timeout: 600_000 }, async () => {
  const keep = join(await temporaryFolder(), 'kept');
  const formats = FORMATS.filter(({ name }) => SHORT.includes(name));
  const options = { formats, head: [], runs: 40, seed: 1, seconds: Number.POSITIVE_INFINITY, keep };
  const { tally, findings } = await runCampaign(options, { log() {}, begin() {}, done() {} });
  expect(findings.map(({ format, run, name, verdict }) => ({ format, run, name, verdict }))).toEqual([]);
  expect(tally.count((outcome) => outcome === '65')).toBeGreaterThan(5);
});
