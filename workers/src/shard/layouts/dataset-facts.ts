import type { FileBytes } from '../hdf5/file-bytes.ts';
import { findMessage, MESSAGE, type Message, readObjectHeader } from '../hdf5/object-header.ts';
import { parseShape, parseStorage, type Storage } from '../hdf5/storage.ts';
import { type ElementType, readElementType } from './number-type.ts';

/** What the header of a dataset says. */
export interface DatasetFacts {
  messages: readonly Message[];
  shape: number[];
  maxShape: number[];
  element: ElementType;
  storage: Storage;
}

/** Reads what a header says about a dataset. @returns undefined if it is of another object @throws BadStructure */
export function readDatasetFacts(bytes: FileBytes, messages: readonly Message[]): DatasetFacts | undefined {
  const space = findMessage(bytes, messages, MESSAGE.dataspace);
  const layout = findMessage(bytes, messages, MESSAGE.layout);
  const type = () => findMessage(bytes, messages, MESSAGE.datatype)!;
  if (!space || !layout || !messages.some((each) => each.type === MESSAGE.datatype)) return undefined;
  return { messages, ...parseShape(space), element: readElementType(type), storage: parseStorage(layout) };
}

const LAYOUT_CONTIGUOUS = 1;
const MODIFICATION_TIME = 0x12;

/** A header whose like need not be parsed. */
interface KnownHeader {
  header: Uint8Array;
  /** Ranges of bytes that are the same in headers that say the same. */
  same: (readonly [start: number, end: number])[];
  addressAt: number;
  facts: DatasetFacts;
}

/**
 * Reads the headers of many datasets that differ in the address of their rows alone, as those of a file with a dataset for each protein:
 * such a header is compared with the last one instead of being parsed, which is ten times as fast.
 */
export class HeaderReader {
  readonly #bytes: FileBytes;
  #last: KnownHeader | undefined;

  constructor(bytes: FileBytes) {
    this.#bytes = bytes;
  }

  /**
   * Reads the header at an address.
   * @returns its messages; also what they say, if it is a dataset, and the address of its rows if they are contiguous
   * @throws BadStructure
   */
  read(address: number): { messages: readonly Message[]; facts?: DatasetFacts; rowsAt?: number } {
    const known = this.#last && this.#readLike(address, this.#last);
    if (known) return known;
    const messages = readObjectHeader(this.#bytes, address);
    const facts = readDatasetFacts(this.#bytes, messages);
    if (!facts) return { messages };
    this.#last = facts.storage.kind === 'contiguous' ? this.#remember(address, facts) : undefined;
    return facts.storage.kind === 'contiguous'
      ? { messages, facts, rowsAt: facts.storage.address }
      : { messages, facts };
  }

  #readLike(address: number, { header, same, addressAt, facts }: KnownHeader) {
    if (address + header.length > this.#bytes.byteLength) return undefined;
    const own = this.#bytes.read(address, header.length);
    for (const [start, end] of same) for (let at = start; at < end; at++) if (own[at] !== header[at]) return undefined;
    const view = new DataView(own.buffer, own.byteOffset);
    const [low, high] = [view.getUint32(addressAt, true), view.getUint32(addressAt + 4, true)];
    if (low === 0xffffffff && high === 0xffffffff) return undefined;
    return { messages: facts.messages, facts, rowsAt: high * 2 ** 32 + low };
  }

  /** Finds the bytes of a header of version 1 that are not the address of the rows or a time. */
  #remember(address: number, facts: DatasetFacts): KnownHeader | undefined {
    const start = this.#bytes.read(address, 16);
    if (start[0] !== 1 || this.#bytes.addressBytes !== 8) return undefined;
    const byteLength = 16 + new DataView(start.buffer, start.byteOffset).getUint32(8, true);
    const header = this.#bytes.read(address, byteLength).slice();
    const view = new DataView(header.buffer);
    const same: KnownHeader['same'] = [];
    let from = 0;
    let addressAt: number | undefined;
    for (let at = 16; at + 8 <= byteLength; ) {
      const [type, size] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
      const data = at + 8;
      if (type === MESSAGE.continuation) return undefined;
      if (type === MESSAGE.layout && header[data] === 3 && header[data + 1] === LAYOUT_CONTIGUOUS) {
        addressAt = data + 2;
        same.push([from, addressAt]);
        from = addressAt + 8;
      } else if (type === MODIFICATION_TIME) {
        same.push([from, data]);
        from = data + size;
      }
      at = data + size;
    }
    same.push([from, byteLength]);
    return addressAt === undefined ? undefined : { header, same, addressAt, facts };
  }
}
