import { BadStructure, Fields, type FileBytes, fieldsAt } from './file-bytes.ts';

/** Types of the header messages in use. */
export const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  externalFiles: 0x07,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

/** A header message: a property of an object. */
export interface Message {
  type: number;
  flags: number;
  data: Uint8Array;
}

/** A larger header is damaged: attributes over 64 kB are stored elsewhere. */
const MAX_HEADER_BYTES = 64 * 2 ** 20;
const SHARED = 2;
const COMMITTED = 2;

/**
 * Reads the messages of an object header, versions 1 and 2, with its continuation blocks.
 * Format: HDF5 File Format Specification 3.0, sections IV.A.1.a and IV.A.1.b.
 * @throws BadStructure
 */
export function readObjectHeader(file: FileBytes, address: number): Message[] {
  const isNew = Buffer.from(file.read(address, 4)).toString('latin1') === 'OHDR';
  const { blocks, parse } = isNew ? startVersion2(file, address) : startVersion1(file, address);
  const messages: Message[] = [];
  let total = 0;
  // The loop appends continuation blocks to the list.
  for (const { at, byteLength } of blocks) {
    total += byteLength;
    if (total > MAX_HEADER_BYTES) throw new BadStructure('an object header is too large');
    for (const message of parse(file.read(at, byteLength))) {
      if (message.type !== MESSAGE.continuation) messages.push(message);
      else {
        const fields = new Fields(message.data, file);
        const [next, length] = [fields.address(), fields.length()];
        blocks.push(isNew ? { at: next + 4, byteLength: length - 8 } : { at: next, byteLength: length });
      }
    }
  }
  return messages;
}

interface Start {
  blocks: { at: number; byteLength: number }[];
  parse(block: Uint8Array): Generator<Message>;
}

function startVersion1(file: FileBytes, address: number): Start {
  const fields = fieldsAt(file, address, 16);
  if (fields.uint(1) !== 1) throw new BadStructure('an object header has an unknown version');
  fields.skip(7);
  const byteLength = fields.uint(4);
  function* parse(block: Uint8Array): Generator<Message> {
    const inner = new Fields(block, file);
    while (inner.left >= 8) {
      const [type, size, flags] = [inner.uint(2), inner.uint(2), inner.uint(1)];
      inner.skip(3);
      yield { type, flags, data: inner.take(size) };
    }
  }
  return { blocks: [{ at: address + 16, byteLength }], parse };
}

function startVersion2(file: FileBytes, address: number): Start {
  const fields = fieldsAt(file, address, 6);
  fields.signature('OHDR');
  if (fields.uint(1) !== 2) throw new BadStructure('an object header has an unknown version');
  const flags = fields.uint(1);
  const before = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const sizeBytes = 1 << (flags & 3);
  const byteLength = fieldsAt(file, address + before, sizeBytes).uint(sizeBytes);
  const headBytes = flags & 4 ? 6 : 4;
  function* parse(block: Uint8Array): Generator<Message> {
    const inner = new Fields(block, file);
    // Remaining bytes that are too few for a message are a gap.
    while (inner.left >= headBytes) {
      const [type, size, messageFlags] = [inner.uint(1), inner.uint(2), inner.uint(1)];
      inner.skip(headBytes - 4);
      yield { type, flags: messageFlags, data: inner.take(size) };
    }
  }
  return { blocks: [{ at: address + before + sizeBytes, byteLength }], parse };
}

/**
 * Finds a message. The message of a committed datatype is in the header of another object.
 * @returns undefined if the message is missing
 * @throws BadStructure
 */
export function findMessage(file: FileBytes, messages: readonly Message[], type: number): Fields | undefined {
  const message = messages.find((each) => each.type === type);
  if (!message) return undefined;
  if (!(message.flags & SHARED)) return new Fields(message.data, file);
  const fields = new Fields(message.data, file);
  const version = fields.uint(1);
  const kind = fields.uint(1);
  if (version === 1) fields.skip(6);
  if (version === 3 && kind !== COMMITTED) throw new BadStructure('a header message is in a shared heap');
  const own = readObjectHeader(file, fields.address()).find((each) => each.type === type);
  if (!own || own.flags & SHARED) throw new BadStructure('a committed datatype is missing');
  return new Fields(own.data, file);
}
