import * as z from 'zod/mini';
import { AMOUNT, COUNT, checkDocument, isRecord, onlyFields, SIZE, TEXT } from '../../base/text/document.ts';
import { parseJsonText } from '../../base/text/json-text.ts';
import { badPrices, unknownMachine } from '../forecast-messages.ts';
import type { Machine } from '../model/model-machine.ts';
import table from './machines.json' with { type: 'json' };

/** Name of the machine on which the command runs. */
export const LOCAL = 'local';
const RATE = z.number('a number above 0').check(z.gt(0, 'a number above 0'));

export type MachineType = z.infer<typeof MACHINE_TYPE>;
const MACHINE_TYPE = onlyFields({
  name: TEXT,
  cpus: SIZE,
  memoryGiB: RATE,
  /** Of its NVMe disks; 0: only network disks. */
  diskGB: AMOUNT,
  /** Assumed: of all its disks together, mixed reading and writing. */
  diskBytesPerSecond: RATE,
  /** Lasting, without bursts. */
  networkGbps: RATE,
  gpus: z.optional(COUNT),
  /** On demand. Absent: the price is unknown, so the machine cannot be planned with. */
  dollarsPerHour: z.optional(AMOUNT),
});

/** Machine types and prices of a region on a day. */
export type PriceTable = z.infer<typeof PRICE_TABLE>;
const PRICE_TABLE = onlyFields({
  format: z.literal(1, '1'),
  date: z.string('a date').check(z.regex(/^\d{4}-\d\d-\d\d$/, 'a date such as 2026-01-31')),
  region: TEXT,
  machines: z.array(MACHINE_TYPE).check(z.minLength(1, 'a list that is not empty')),
  services: onlyFields({
    s3: z.optional(
      onlyFields({ dollarsPerGBMonth: AMOUNT, dollarsPerThousandWrites: AMOUNT, dollarsPerThousandReads: AMOUNT }),
    ),
    lambda: z.optional(onlyFields({ dollarsPerGBSecond: AMOUNT, dollarsPerMillionCalls: AMOUNT })),
  }),
});

/** The checked-in table. */
export const PRICES: PriceTable = checkDocument(PRICE_TABLE, table, (problem) => new Error(problem));

/** Parses a file of prices. @param where the file, for messages @throws DataError for any other text */
export function parsePrices(text: string, where: string): PriceTable {
  let json: unknown;
  try {
    json = parseJsonText(text);
  } catch {
    throw badPrices(where, 'it is not JSON');
  }
  if (!isRecord(json)) throw badPrices(where, 'not a JSON object');
  const prices = checkDocument(PRICE_TABLE, json, (problem) => badPrices(where, problem));
  const names = prices.machines.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw badPrices(where, `it has two machines ${twice}`);
  return prices;
}

/** Finds a machine type. @throws UsageError that lists the known ones */
export function findMachine({ machines }: PriceTable, name: string): MachineType {
  const found = machines.find((machine) => machine.name === name);
  if (!found) throw unknownMachine(name, [LOCAL, ...machines.map((machine) => machine.name)]);
  return found;
}

/** Returns what the model needs of a machine type. */
export function toModelMachine(type: MachineType): Machine {
  const { name, cpus: cores, dollarsPerHour = 0, diskBytesPerSecond, networkGbps } = type;
  return { name, cores, dollarsPerHour, diskBytesPerSecond, networkBytesPerSecond: (networkGbps * 1e9) / 8 };
}

/** The article's machine, which docs/scale.md derives its tables for. */
export const I4I: Machine = toModelMachine(findMachine(PRICES, 'i4i.8xlarge'));
