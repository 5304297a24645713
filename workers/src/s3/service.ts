import { log } from '../app/progress.ts';

/** What a service was found to know of S3, by trying; for the life of the client. */
export interface S3Service {
  /** It checks what is sent by CRC-64/NVME, and says so. Undefined until a file was sent. */
  checksCrc64: boolean | undefined;
  /** It knows requests for an object's checksum. */
  tellsChecksums: boolean;
  /** It removes many objects by one request. */
  removesMany: boolean;
  /** It was seen to refuse writes whose condition does not hold. */
  heedsConditions: boolean;
}

/** A service of which nothing is known: everything is tried. */
export function unknownService(): S3Service {
  return { checksCrc64: undefined, tellsChecksums: true, removesMany: true, heedsConditions: false };
}

/** Remembers that files are sent with Content-MD5 from now on, and says so once. */
export function useMd5({ service, endpoint }: { service: S3Service; endpoint: string }): void {
  if (service.checksCrc64 !== false)
    log(`${endpoint} does not check CRC-64/NVME: files are sent with Content-MD5 instead, and checked by their ETags.`);
  service.checksCrc64 = false;
}
