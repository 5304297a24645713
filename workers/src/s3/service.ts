import type { HttpRequest } from '@smithy/types';
import { log } from '../app/progress.ts';

/** Capabilities of a service, as found by trying; for the life of the client. */
export interface S3Service {
  /** It verifies CRC-64/NVME and confirms it. Undefined until a file was sent. */
  checksCrc64: boolean | undefined;
  /** It supports requests for the checksum of an object. */
  tellsChecksums: boolean;
  /** It supports removing many objects by one request. */
  removesMany: boolean;
  /** It has refused a conditional write. */
  heedsConditions: boolean;
  /** By bucket: a signed request of the SDK, of which `path` is without the key. */
  addresses: Map<string, HttpRequest>;
  /** By credentials: presigned requests that it refused. */
  refusedSignatures: WeakMap<object, number>;
}

/** Returns the capabilities of an unknown service: all are tried. */
export function unknownService(): S3Service {
  return {
    checksCrc64: undefined,
    tellsChecksums: true,
    removesMany: true,
    heedsConditions: false,
    addresses: new Map(),
    refusedSignatures: new WeakMap(),
  };
}

/** Logs that files are sent with Content-MD5. */
export function logMd5(endpoint: string): void {
  log(`${endpoint} does not check CRC-64/NVME: files are sent with Content-MD5 instead, and checked by their ETags.`);
}
