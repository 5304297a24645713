import { describe, expect, it } from 'vitest';
import { findMachine, I4I, PRICES, parsePrices } from '../../../workers/src/forecast/machines/price-table.ts';

const text = (change: object) => JSON.stringify({ ...PRICES, ...change });

describe('the table of prices', () => {
  it('has a date, and plausible machines, each once', () => {
    expect(parsePrices(text({}), 'machines.json')).toEqual(PRICES);
    for (const { name, cpus, memoryGiB, dollarsPerHour } of PRICES.machines) {
      expect(memoryGiB / cpus, name).toBeGreaterThanOrEqual(2);
      expect(dollarsPerHour! / cpus, name).toBeGreaterThan(0.02);
    }
  });

  it('has the machine of the article', () => {
    expect(I4I).toEqual({
      ...{ name: 'i4i.8xlarge', cores: 32, dollarsPerHour: 2.746 },
      ...{ diskBytesPerSecond: 2e9, networkBytesPerSecond: 18.75e9 / 8 },
    });
  });

  it('refuses an unknown machine, and lists the known', () => {
    expect(() => findMachine(PRICES, 'i4i.8xlarg')).toThrow(
      /^--machine i4i.8xlarg: unknown machine type. Did you mean i4i.8xlarge\? Known: local, i4i.large, .* --prices FILE/,
    );
  });

  it.each([
    ['[]', 'not a JSON object'],
    ['{', 'it is not JSON'],
    [text({ date: 'today' }), '"date" is "today"; it must be a date such as 2026-01-31'],
    [text({ machines: [] }), '"machines" is []'],
    [text({ machines: [{ ...PRICES.machines[0], cpus: 0 }] }), '"machines[0].cpus" is 0'],
    [text({ machines: [{ ...PRICES.machines[0], price: 1 }] }), '"machines[0].price" is unknown'],
    [text({ machines: [PRICES.machines[0], PRICES.machines[0]] }), 'it has two machines i4i.large'],
  ])('refuses %s', (content, problem) => {
    expect(() => parsePrices(content, 'p.json')).toThrow(`p.json: not a table of prices (${problem}`);
  });
});
