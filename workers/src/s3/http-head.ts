/** A signed request of the SDK. */
export interface SignedRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  query?: Record<string, string | string[] | null | undefined>;
  headers: Record<string, string>;
}

export interface ResponseHead {
  /** By lower-case name. */
  headers: Record<string, string>;
  contentLength: number;
  /** Whether the server closes the connection after this response. */
  closes: boolean;
}

/** Formats a GET request. */
export function formatRequest({ path, query = {}, headers }: SignedRequest): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each) => `${encode(name)}=${encode(each ?? '')}`),
  );
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path}${pairs.length > 0 ? `?${pairs.join('&')}` : ''} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Percent-encodes all but letters, digits and -._~, as signatures require. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * Parses the head of a response to a ranged GET.
 * @returns undefined unless it is 206 with a body of known length: a complete HTTP client handles errors and rare cases
 */
export function parseHead(text: string): ResponseHead | undefined {
  const [status = '', ...lines] = text.split('\r\n');
  if (!/^HTTP\/1\.1 206( |$)/.test(status)) return undefined;
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) return undefined;
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const { 'content-length': length = '', 'transfer-encoding': coding, connection = '' } = headers;
  if (!/^\d{1,15}$/.test(length) || coding !== undefined) return undefined;
  return { headers, contentLength: Number(length), closes: /close/i.test(connection) };
}
