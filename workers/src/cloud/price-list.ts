import { DataError } from '../base/errors.ts';
import { isRecord, type JsonRecord, parseJson } from '../base/text/document.ts';
import type { PriceTable } from '../forecast/machines/price-table.ts';
import { toAwsUserError } from './aws-errors.ts';
import { openBatch } from './clients.ts';
import { PRICE_LIST } from './cloud-messages.ts';

const ANSWER_MS = 20_000;
/** AWS serves prices of all its regions from a few. */
const SERVICE_REGION = 'us-east-1';

/**
 * Asks AWS's price list for the price on demand of a machine with Linux in a region, and puts it into a table.
 * @param prices with the machine's other properties; a type that it lacks is refused before
 * @throws UserError if the price list cannot be reached, or refuses the request; DataError if it has no price
 */
export async function askPrices(
  machine: string,
  prices: PriceTable,
  region = chosenRegion(prices),
): Promise<PriceTable> {
  const answer = await getProducts(machine, region);
  const dollarsPerHour = parsePrice(answer);
  if (dollarsPerHour === undefined) throw new DataError(PRICE_LIST.noPrice(machine, region));
  return {
    ...prices,
    region,
    date: new Date().toISOString().slice(0, 10),
    machines: prices.machines.map((type) => (type.name === machine ? { ...type, dollarsPerHour } : type)),
  };
}

function chosenRegion({ region }: PriceTable): string {
  return process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || region;
}

// Signed here: the SDK's client for prices would be used for this one request.
async function getProducts(machine: string, region: string): Promise<unknown> {
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const { credentials, sha256 } = (await openBatch(SERVICE_REGION)).config;
  const url = new URL(
    process.env.AWS_ENDPOINT_URL_PRICING ||
      process.env.AWS_ENDPOINT_URL ||
      `https://api.pricing.${SERVICE_REGION}.amazonaws.com`,
  );
  const filters = {
    ...{ instanceType: machine, regionCode: region, operatingSystem: 'Linux', tenancy: 'Shared' },
    ...{ preInstalledSw: 'NA', capacitystatus: 'Used' },
  };
  const Filters = Object.entries(filters).map(([Field, Value]) => ({ Type: 'TERM_MATCH', Field, Value }));
  const body = JSON.stringify({ ServiceCode: 'AmazonEC2', Filters, FormatVersion: 'aws_v1', MaxResults: 10 });
  try {
    const signer = new SignatureV4({ credentials, region: SERVICE_REGION, service: 'pricing', sha256 });
    const { headers } = await signer.sign({
      ...{ method: 'POST', protocol: url.protocol, hostname: url.hostname, path: '/', body },
      headers: {
        host: url.host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'AWSPriceListService.GetProducts',
      },
    });
    const answer = await fetch(new URL('/', url), {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const json = parseJson(await answer.text());
    if (answer.ok) return json;
    const { __type = `${answer.status}`, message = __type, Message = message } = isRecord(json) ? json : {};
    const error = Object.assign(new Error(`${Message}`), { $metadata: { httpStatusCode: answer.status } });
    error.name = `${__type}`.replace(/^.*#/, '');
    throw error;
  } catch (error) {
    throw toAwsUserError(error, 'GetProducts', "AWS's price list");
  }
}

/** Reads the price of an hour on demand from an answer of GetProducts. @returns undefined if it has none */
function parsePrice(answer: unknown): number | undefined {
  const products = isRecord(answer) && Array.isArray(answer.PriceList) ? answer.PriceList : [];
  for (const product of products) {
    // Each product is a JSON text.
    const document = typeof product === 'string' ? parseJson(product) : product;
    const terms = valuesIn(isRecord(document) && isRecord(document.terms) ? document.terms.OnDemand : undefined);
    const dimensions = terms.flatMap((term) => valuesIn(term.priceDimensions));
    for (const { unit, pricePerUnit } of dimensions) {
      const price = isRecord(pricePerUnit) ? Number(pricePerUnit.USD) : Number.NaN;
      if (unit === 'Hrs' && price > 0) return price;
    }
  }
  return undefined;
}

function valuesIn(record: unknown): JsonRecord[] {
  return isRecord(record) ? Object.values(record).filter(isRecord) : [];
}
