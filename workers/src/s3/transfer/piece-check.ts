import { createHash } from 'node:crypto';

/** How a service is asked to check a piece of a file that is sent to it. */
export interface PieceCheck {
  /** Fields of the request that begins a multipart upload. */
  create: object;
  /** Fields of the request that sends a piece, and of its part in the list of all. */
  fields(piece: Buffer, crc64: bigint): object;
  /** Of those, what the request that completes an upload repeats for each part. */
  listed(fields: object): object;
  /** Fields of the request that completes an upload. */
  complete(crc64: bigint): object;
  /** Whether the answer shows that what was checked is what was sent. */
  confirms(fields: object, answer: { ETag?: string | undefined; ChecksumCRC64NVME?: string | undefined }): boolean;
}

/** CRC-64/NVME, which is of the whole object too: of Amazon S3 since December 2024, and of services that followed. */
export const BY_CRC64: PieceCheck = {
  create: { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'FULL_OBJECT' },
  fields: (_piece, crc64) => ({ ChecksumAlgorithm: 'CRC64NVME', ChecksumCRC64NVME: toBase64(crc64) }),
  listed: (fields) => ({ ChecksumCRC64NVME: (fields as { ChecksumCRC64NVME: string }).ChecksumCRC64NVME }),
  complete: (crc64) => ({ ChecksumCRC64NVME: toBase64(crc64), ChecksumType: 'FULL_OBJECT' }),
  confirms: (fields, { ChecksumCRC64NVME }) =>
    ChecksumCRC64NVME === (fields as { ChecksumCRC64NVME: string }).ChecksumCRC64NVME,
};

/** Content-MD5, S3's oldest check; that it was made is seen by the ETag, which is the MD5 of what was kept. */
export const BY_MD5: PieceCheck = {
  create: {},
  fields: (piece) => ({ ContentMD5: createHash('md5').update(piece).digest('base64') }),
  listed: () => ({}),
  complete: () => ({}),
  confirms: (fields, { ETag = '' }) =>
    ETag.replaceAll('"', '').toLowerCase() ===
    Buffer.from((fields as { ContentMD5: string }).ContentMD5, 'base64').toString('hex'),
};

function toBase64(sum: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(sum);
  return bytes.toString('base64');
}
