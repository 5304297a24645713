import { headerAddress } from '../hdf5/dataset-check.ts';
import { BadStructure, type FileBytes, fieldsAt, UNDEFINED_ADDRESS } from '../hdf5/file-bytes.ts';
import type { H5Module } from '../hdf5/h5wasm.ts';
import type { OpenFile } from '../hdf5/locate.ts';
import { findMessage, MESSAGE, type Message } from '../hdf5/object-header.ts';

/** A name in a group, and the address of its object's header; undefined for a link to another file, or to nothing. */
export interface GroupLink {
  name: string;
  address: number | undefined;
}

/** More levels are damage: a node has at least two children. */
const MAX_LEVELS = 40;
const SOFT_LINK = 2;
/** Bytes of an entry of a symbol table: name, header, kind, reserved, scratch space. */
const ENTRY_BYTES = 40;

/**
 * Lists the links of a group in the order of their names' bytes. Groups of old form (symbol tables, which h5py writes by default) are read
 * here, because the library needs memory for all names of a file that may have a million.
 * @param bytes of the file
 * @param path of the group; '' for the root
 * @param header messages of its object header
 * @throws BadStructure
 */
export function* groupLinks(
  module: H5Module,
  open: OpenFile,
  bytes: FileBytes,
  path: string,
  header: readonly Message[],
): Generator<GroupLink> {
  const table = findMessage(bytes, header, MESSAGE.symbolTable);
  if (!table || bytes.addressBytes !== 8 || bytes.lengthBytes !== 8) {
    for (const name of module.get_names(open.file.file_id, path === '' ? '/' : path, false))
      yield { name, address: addressByName(module, open, `${path}/${name}`) };
    return;
  }
  const [tree, heap] = [table.address(), table.address()];
  if (tree === UNDEFINED_ADDRESS) return;
  const names = readLocalHeap(bytes, heap);
  for (const node of treeNodes(bytes, tree))
    for (const { nameAt, address, isSoft } of nodeEntries(bytes, node)) {
      const end = names.indexOf(0, nameAt);
      if (nameAt >= names.length || end < 0) throw new BadStructure('a name of a group is missing');
      const name = names.toString('utf8', nameAt, end);
      yield { name, address: isSoft ? addressByName(module, open, `${path}/${name}`) : address };
    }
}

/** Returns the address of the header of an object. @returns undefined if the link leads to another file, or to nothing */
export function addressByName(module: H5Module, open: OpenFile, path: string): number | undefined {
  try {
    if (path !== '/' && module.get_external_link(open.file.file_id, path).filename !== undefined) return undefined;
    return headerAddress(module, open, path);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw error;
    return undefined;
  }
}

/** Reads the texts of a symbol table. Format: HDF5 File Format Specification 3.0, section III.D. */
function readLocalHeap(bytes: FileBytes, address: number): Buffer {
  const head = fieldsAt(bytes, address, 32);
  head.signature('HEAP');
  head.skip(4);
  const byteLength = head.length();
  head.length();
  const texts = bytes.read(head.address(), byteLength);
  return Buffer.from(texts.buffer, texts.byteOffset, texts.length);
}

/** Walks the B-tree of a symbol table. Format: section III.A.1, node type 0. @returns addresses of the table's nodes */
function* treeNodes(bytes: FileBytes, address: number, parentLevel?: number): Generator<number> {
  const head = fieldsAt(bytes, address, 24);
  head.signature('TREE');
  if (head.uint(1) !== 0) throw new BadStructure('the index of a group has another type');
  const level = head.uint(1);
  if (level > MAX_LEVELS || (parentLevel !== undefined && level !== parentLevel - 1))
    throw new BadStructure('the index of a group has a wrong level');
  const count = head.uint(2);
  const fields = fieldsAt(bytes, address + 24, count * 16);
  for (let i = 0; i < count; i++) {
    fields.skip(8);
    const child = fields.address();
    if (level > 0) yield* treeNodes(bytes, child, level);
    else yield child;
  }
}

/** Reads a node of a symbol table. Formats: sections III.B and III.C. */
function* nodeEntries(bytes: FileBytes, address: number) {
  const head = fieldsAt(bytes, address, 8);
  head.signature('SNOD');
  head.skip(2);
  const count = head.uint(2);
  const entries = bytes.read(address + 8, count * ENTRY_BYTES);
  const view = new DataView(entries.buffer, entries.byteOffset, entries.length);
  for (let at = 0; at < entries.length; at += ENTRY_BYTES)
    yield {
      nameAt: Number(view.getBigUint64(at, true)),
      address: Number(view.getBigUint64(at + 8, true)),
      isSoft: view.getUint32(at + 16, true) === SOFT_LINK,
    };
}

/** Returns whether an object is a group. @param header messages of its object header */
export function isGroup(header: readonly Message[]): boolean {
  return header.some(({ type }) => type === MESSAGE.symbolTable || type === MESSAGE.linkInfo);
}
