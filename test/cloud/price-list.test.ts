import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { askPrices } from '../../workers/src/cloud/price-list.ts';
import { findMachine, PRICES } from '../../workers/src/forecast/machines/price-table.ts';

/** A product as AWS's price list describes it, in a JSON text. */
const product = (unit: string, dollars: string) =>
  JSON.stringify({
    product: { attributes: { instanceType: 'i4i.8xlarge' } },
    terms: {
      OnDemand: { 'A.B': { priceDimensions: { 'A.B.C': { unit, pricePerUnit: { USD: dollars } } } } },
      Reserved: { 'A.D': { priceDimensions: { 'A.D.E': { unit: 'Hrs', pricePerUnit: { USD: '0.5' } } } } },
    },
  });

describe("AWS's price list", () => {
  let server: Server;
  let answer: { status: number; body: unknown };
  let asked: { request: IncomingMessage; body: { Filters: { Field: string; Value: string }[] } };
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const parts = await Array.fromAsync(request);
      asked = { request, body: JSON.parse(Buffer.concat(parts).toString()) };
      response
        .writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' })
        .end(JSON.stringify(answer.body));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    vi.stubEnv('AWS_ENDPOINT_URL_PRICING', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    vi.stubEnv('AWS_REGION', 'eu-central-1');
  });
  afterEach(() => {
    answer = { status: 500, body: {} };
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    server.close();
  });

  it('replaces the price of the machine, and the date', async () => {
    answer = { status: 200, body: { PriceList: [product('Hrs', '0.0000000000'), product('Hrs', '3.2950000000')] } };
    const prices = await askPrices('i4i.8xlarge', PRICES);
    expect(findMachine(prices, 'i4i.8xlarge')).toEqual({
      ...findMachine(PRICES, 'i4i.8xlarge'),
      dollarsPerHour: 3.295,
    });
    expect(findMachine(prices, 'i4i.4xlarge')).toEqual(findMachine(PRICES, 'i4i.4xlarge'));
    expect(prices.region).toBe('eu-central-1');
    expect(asked.request.headers['x-amz-target']).toBe('AWSPriceListService.GetProducts');
    expect(asked.request.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=key\/\d+\/us-east-1\/pricing\//);
    expect(Object.fromEntries(asked.body.Filters.map(({ Field, Value }) => [Field, Value]))).toMatchObject({
      ...{ instanceType: 'i4i.8xlarge', regionCode: 'eu-central-1', operatingSystem: 'Linux' },
    });
  });

  it.each([
    [
      { status: 200, body: { PriceList: [] } },
      "AWS's price list has no price on demand of i4i.8xlarge in eu-central-1.",
    ],
    [{ status: 200, body: { PriceList: [product('Quantity', '1')] } }, 'has no price on demand'],
    [{ status: 400, body: { __type: 'x#AccessDeniedException', message: 'not allowed' } }, 'GetProducts: not allowed'],
    [{ status: 403, body: { __type: 'AccessDenied', Message: 'no' } }, 'access denied (no)'],
    [{ status: 503, body: {} }, 'the service failed (503'],
  ])('refuses %j', async (refused, message) => {
    answer = refused;
    await expect(askPrices('i4i.8xlarge', PRICES)).rejects.toThrow(message);
  });
});
