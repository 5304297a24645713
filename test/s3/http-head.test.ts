import { expect, it, test } from 'vitest';
import { formatRequest, parseHead } from '../../workers/src/s3/http-head.ts';

it('writes a request', () => {
  const request = { protocol: 'http:', hostname: 'h', path: '/b/a%20b', headers: { host: 'h', range: 'bytes=0-1' } };
  expect(formatRequest({ ...request, query: { 'x-id': 'GetObject', 'a b': ["'(1)*", ''] } })).toBe(
    'GET /b/a%20b?x-id=GetObject&a%20b=%27%281%29%2A&a%20b= HTTP/1.1\r\nhost: h\r\nrange: bytes=0-1\r\n\r\n',
  );
  expect(formatRequest(request)).toMatch(/^GET \/b\/a%20b HTTP/);
});

it('reads the head of a ranged answer', () => {
  const text = 'HTTP/1.1 206 Partial Content\r\nContent-Length: 12\r\nETag:  "x:y" \r\nConnection: keep-alive';
  const headers = { 'content-length': '12', etag: '"x:y"', connection: 'keep-alive' };
  expect(parseHead(text)).toEqual({ headers, contentLength: 12, closes: false });
  expect(parseHead('HTTP/1.1 206\r\ncontent-length: 0\r\nconnection: Close')).toMatchObject({ closes: true });
});

test.each([
  '',
  'HTTP/1.1 200 OK\r\nContent-Length: 5',
  'HTTP/1.1 2060 x\r\nContent-Length: 5',
  'HTTP/1.0 206 Partial Content\r\nContent-Length: 5',
  'HTTP/1.1 206 Partial Content',
  'HTTP/1.1 206 Partial Content\r\nContent-Length: -5',
  'HTTP/1.1 206 Partial Content\r\nContent-Length: 5x',
  'HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nTransfer-Encoding: chunked',
  'HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nno colon',
  'HTTP/1.1 503 Slow Down\r\nContent-Length: 5',
])('leaves %j to a whole HTTP client', (text) => {
  expect(parseHead(text)).toBeUndefined();
});
