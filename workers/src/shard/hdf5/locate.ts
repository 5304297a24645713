import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, posix } from 'node:path';
import h5wasm, { type H5File, type H5Module } from './h5wasm.ts';
import { brokenLink, cannotOpen, linkToItself } from './hdf5-messages.ts';
import { fileClosed, fileOpened } from './heap-check.ts';
import { openStructures, type StructureFile } from './superblock.ts';

const MAX_LINKS = 16;

/** A file that the library has open, and its structures. */
export interface OpenFile {
  path: string;
  file: H5File;
  structures: StructureFile;
}

/** A dataset: the file that contains it, and its path in that file, which has no links to other files. */
export interface Located {
  in: OpenFile;
  path: string;
}

/** The files of one shard: itself, and those of its links and virtual datasets. Each is opened once. */
export class OpenFiles {
  readonly #module: H5Module;
  readonly #files = new Map<string, OpenFile>();

  constructor(module: H5Module) {
    this.#module = module;
  }

  /** @throws DataError if it is not a readable HDF5 file */
  open(path: string): OpenFile {
    const known = this.#files.get(path);
    if (known) return known;
    const structures = openStructures(path);
    let file: H5File | undefined;
    try {
      file = new h5wasm.File(path, 'r');
    } finally {
      if (file === undefined || file.file_id < 0n) structures.close();
    }
    if (file.file_id < 0n) throw cannotOpen(path);
    const opened = { path, file, structures };
    this.#files.set(path, opened);
    fileOpened(structures);
    return opened;
  }

  /**
   * Follows links from a name of `open`'s file.
   * @returns undefined if the name does not exist
   * @throws DataError if the file of a link is missing
   */
  locate(open: OpenFile, name: string, links = 0): Located | undefined {
    const { file_id } = open.file;
    const steps = name.split('/').filter((step) => step !== '' && step !== '.');
    let path = '';
    for (const [i, step] of steps.entries()) {
      const parent = path === '' ? '/' : path;
      if (!this.#module.get_names(file_id, parent, false).includes(step)) return undefined;
      path = `${path}/${step}`;
      const rest = steps.slice(i + 1).join('/');
      const soft = this.#module.get_symbolic_link(file_id, path);
      const external = soft === null ? this.#module.get_external_link(file_id, path) : {};
      if (soft === null && external.filename === undefined) {
        if (i + 1 < steps.length && this.#module.get_type(file_id, path) !== this.#module.H5G_GROUP) return undefined;
        continue;
      }
      if (links >= MAX_LINKS) throw linkToItself(open.path, name);
      if (soft !== null) {
        const from = posix.isAbsolute(soft) ? '/' : parent;
        return this.locate(open, posix.join(from, soft, rest), links + 1);
      }
      const targetPath = findBeside(open.path, external.filename!);
      if (targetPath === undefined) throw brokenLink(open.path, name, external.filename);
      return this.locate(this.open(targetPath), posix.join('/', external.obj_path ?? '', rest), links + 1);
    }
    return path === '' ? undefined : { in: open, path };
  }

  close(): void {
    for (const { file, structures } of this.#files.values()) {
      structures.close();
      fileClosed(structures);
      try {
        file.close();
      } catch {
        // Closing fails only for damaged files, which were reported.
      }
    }
    this.#files.clear();
  }
}

/** Finds a file that another one names, as the library does: beside the other file, or beside the target of its link. */
export function findBeside(path: string, name: string): string | undefined {
  const places = [dirname(path), dirname(realpathSync(path))].map((folder) => join(folder, basename(name)));
  if (isAbsolute(name)) places.unshift(name);
  else places.splice(0, 2, join(dirname(path), name), name, join(dirname(realpathSync(path)), name));
  return places.find((place) => existsSync(place));
}
