import type { H5Module } from '../hdf5/h5wasm.ts';
import type { OpenFile } from '../hdf5/locate.ts';
import { type DatasetFacts, HeaderReader } from './dataset-facts.ts';
import { addressByName, groupLinks, isGroup } from './group-links.ts';
import { PagedFile } from './paged-file.ts';

/** Datasets other than vectors that are kept; of more, a choice could not be made anyway. */
const MAX_OTHERS = 1000;
const MAX_DEPTH = 16;

/** A dataset of a file. */
export interface FoundDataset extends DatasetFacts {
  /** Path from the root, without the first slash. */
  path: string;
}

/** A dataset with the vector of one protein. */
export interface VectorDataset extends FoundDataset {
  /** Address of its object header. */
  address: number;
  /** Address of the vector, if it is contiguous. */
  rowsAt: number | undefined;
}

/** What a file contains. */
export interface Survey {
  /** Count of the datasets that may be the vector of a protein: numbers [D] or [1, D]. */
  vectorCount: number;
  /** All other datasets, up to MAX_OTHERS, and their count. */
  others: FoundDataset[];
  otherCount: number;
}

/**
 * Visits all datasets of a file, groups first by the order of their names.
 * @param onVector receives each dataset that may be the vector of a protein
 * @throws BadStructure; and what `onLink` throws for a name that leads to another file or nowhere
 */
export function surveyDatasets(
  module: H5Module,
  open: OpenFile,
  onVector: (dataset: VectorDataset) => void,
  onLink: (path: string) => void,
): Survey {
  const bytes = new PagedFile(open.structures);
  const headers = new HeaderReader(bytes);
  const survey: Survey = { vectorCount: 0, others: [], otherCount: 0 };
  const visited = new Set<number>();
  const visitGroup = (path: string, address: number, depth: number) => {
    // A group may be reached by several names, or contain itself.
    if (visited.has(address) || depth > MAX_DEPTH) return;
    visited.add(address);
    const { messages } = headers.read(address);
    for (const link of groupLinks(module, open, bytes, path, messages)) {
      const own = `${path}/${link.name}`;
      if (link.address === undefined) {
        onLink(own.slice(1));
        continue;
      }
      const { messages: header, facts, rowsAt } = headers.read(link.address);
      if (!facts) {
        if (isGroup(header)) visitGroup(own, link.address, depth + 1);
      } else visitDataset({ ...facts, path: own.slice(1) }, link.address, rowsAt);
    }
  };
  const visitDataset = (dataset: FoundDataset, address: number, rowsAt: number | undefined) => {
    if (isVector(dataset)) {
      survey.vectorCount++;
      onVector({ ...dataset, address, rowsAt });
      return;
    }
    survey.otherCount++;
    if (survey.others.length < MAX_OTHERS) survey.others.push(dataset);
  };
  const root = addressByName(module, open, '/');
  if (root !== undefined) visitGroup('', root, 0);
  return survey;
}

function isVector({ element, shape }: DatasetFacts): boolean {
  return element.kind === 'number' && (shape.length === 1 || (shape.length === 2 && shape[0] === 1));
}

/** Returns whether a group has a name, without reading the others. */
export function namesOfRoot(module: H5Module, open: OpenFile, wanted: readonly string[]): Set<string> {
  const bytes = new PagedFile(open.structures);
  const root = addressByName(module, open, '/');
  const found = new Set<string>();
  if (root === undefined) return found;
  for (const { name } of groupLinks(module, open, bytes, '', new HeaderReader(bytes).read(root).messages))
    if (wanted.includes(name)) found.add(name);
  return found;
}
