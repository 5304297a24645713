import type { Fault, Seen } from './fault-proxy.ts';

/** The behaviour of an S3 service that is not Amazon's, as a rule of a fault proxy before moto. */
export interface Imitation {
  name: string;
  rule: (seen: Seen) => Fault | undefined;
  /** True where it supports building; otherwise the message of the refusal. */
  build: true | RegExp;
  /** Whether uploads are checked by CRC-64/NVME; otherwise by Content-MD5. */
  crc64: boolean;
}

const has = ({ headers }: Seen, name: RegExp) => Object.keys(headers).find((header) => name.test(header));
const isCondition = /^if-(none-)?match$/;
const isWrite = ({ method }: Seen) => method === 'PUT' || method === 'POST';
const CHECKSUMS = /^x-amz-(sdk-)?checksum-/;

/** Services, according to their documents or to reports of their users. */
export const IMITATIONS: Imitation[] = [
  { name: 'Amazon S3, Cloudflare R2, MinIO since 2025', rule: () => undefined, build: true, crc64: true },
  {
    // "Unsupported header 'x-amz-checksum-crc32' received for this API call", 400; 501 for conditions.
    name: 'Backblaze B2 until 2025',
    rule: (seen) => {
      const checksum = has(seen, CHECKSUMS);
      if (checksum !== undefined) return { status: 400, code: 'InvalidArgument' };
      if (isWrite(seen) && has(seen, isCondition)) return { status: 501, code: 'NotImplemented' };
      return undefined;
    },
    build: /does not know conditional writes \(501 NotImplemented: of the test\)/,
    crc64: false,
  },
  {
    name: 'Backblaze B2',
    rule: (seen) => (isWrite(seen) && has(seen, isCondition) ? { status: 501, code: 'NotImplemented' } : undefined),
    build: /does not know conditional writes/,
    crc64: true,
  },
  {
    // Supports conditions by ETag for reading only, and none of Amazon's checksums.
    name: 'Google Cloud Storage',
    rule: (seen) => {
      if (seen.method === 'POST' && /[?&]delete(=|&|$)/.test(seen.url)) return { status: 400, code: 'InvalidArgument' };
      return { ignores: isWrite(seen) ? /^if-(none-)?match$|^x-amz-(sdk-)?checksum-/ : CHECKSUMS };
    },
    build: /accepts conditional writes \(IfNoneMatch\) whose condition is false/,
    crc64: false,
  },
  {
    name: 'Ceph RGW without checksums',
    rule: () => ({ ignores: CHECKSUMS }),
    build: true,
    crc64: false,
  },
  {
    name: 'MinIO between the two',
    rule: (seen) => {
      const algorithm = seen.headers['x-amz-checksum-algorithm'];
      if (algorithm === 'CRC64NVME') return { status: 400, code: 'InvalidArgument' };
      return { ignores: /^x-amz-checksum-(crc64nvme|type|mode)$/ };
    },
    build: true,
    crc64: false,
  },
  {
    name: 'a service that knows If-None-Match only, as Amazon S3 in 2024',
    rule: (seen) => (isWrite(seen) ? { ignores: /^if-match$/ } : undefined),
    build: /accepts conditional writes \(IfMatch\) whose condition is false/,
    crc64: true,
  },
  {
    name: 'a service that answers 501 to every header it does not know',
    rule: (seen) => {
      if (has(seen, CHECKSUMS)) return { status: 501, code: 'NotImplemented' };
      return undefined;
    },
    build: true,
    crc64: false,
  },
];
