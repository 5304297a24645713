import { reserveSpace } from './disk-marks.ts';
import { NodeCache } from './node-cache.ts';

/**
 * Reserves disk space for a scratch folder.
 * @param work folder that the tasks of this node share, whose unused tables may be evicted; undefined if none is set
 * @param root folder for the reservations if `work` is undefined
 * @param bytes that `scratch` will hold in the end
 * @returns a function that ends the reservation
 * @throws TransientError with the figures where too little is free
 */
export function reserveScratch(
  work: string | undefined,
  root: string,
  scratch: string,
  bytes: number,
): Promise<() => Promise<void>> {
  return work === undefined ? reserveSpace(root, scratch, bytes) : new NodeCache(work).reserve(scratch, bytes);
}
