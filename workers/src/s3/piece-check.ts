import { createHash } from 'node:crypto';

/** How a service verifies a piece of a file: fields of requests and responses. */
export interface PieceCheck {
  /** Fields of the request that begins a multipart upload. */
  create: object;
  /** Fields of the request that sends a piece. */
  fields(piece: Buffer, crc64: bigint): object;
  /** The subset of these fields that the completing request repeats for each part. */
  listed(fields: object): object;
  /** Fields of the request that completes an upload. */
  complete(crc64: bigint): object;
  /** Returns whether the response confirms that the service has the sent content. */
  confirms(fields: object, answer: { ETag?: string | undefined; ChecksumCRC64NVME?: string | undefined }): boolean;
}

/** CRC-64/NVME, also of the whole object: Amazon S3 since December 2024, and compatible services. */
const BY_CRC64: PieceCheck = {
  create: { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'FULL_OBJECT' },
  fields: (_piece, crc64) => ({ ChecksumAlgorithm: 'CRC64NVME', ChecksumCRC64NVME: toBase64(crc64) }),
  listed: (fields) => ({ ChecksumCRC64NVME: (fields as { ChecksumCRC64NVME: string }).ChecksumCRC64NVME }),
  complete: (crc64) => ({ ChecksumCRC64NVME: toBase64(crc64), ChecksumType: 'FULL_OBJECT' }),
  confirms: (fields, { ChecksumCRC64NVME }) =>
    ChecksumCRC64NVME === (fields as { ChecksumCRC64NVME: string }).ChecksumCRC64NVME,
};

/** Content-MD5, which every service supports. The ETag, the MD5 of the stored content, confirms it. */
const BY_MD5: PieceCheck = {
  create: {},
  fields: (piece) => ({ ContentMD5: createHash('md5').update(piece).digest('base64') }),
  listed: () => ({}),
  complete: () => ({}),
  confirms: (fields, { ETag = '' }) =>
    ETag.replaceAll('"', '').toLowerCase() ===
    Buffer.from((fields as { ContentMD5: string }).ContentMD5, 'base64').toString('hex'),
};

/** By names that cross threads. */
export const CHECKS = { crc64: BY_CRC64, md5: BY_MD5 };
export type CheckName = keyof typeof CHECKS;

function toBase64(sum: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(sum);
  return bytes.toString('base64');
}
