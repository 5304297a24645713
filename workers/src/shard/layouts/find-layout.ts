import { statSync } from 'node:fs';
import { guardStructures } from '../hdf5/dataset-check.ts';
import type { H5Module } from '../hdf5/h5wasm.ts';
import type { OpenFile, OpenFiles } from '../hdf5/locate.ts';
import * as messages from './layout-messages.ts';
import { openProteinTable, ProteinDatasets, type ProteinTable } from './protein-table.ts';
import { type FoundDataset, namesOfRoot, type Survey, surveyDatasets } from './survey-datasets.ts';

/** Names of the two datasets, as the user gives them. */
export interface DatasetNames {
  embedding?: string | undefined;
  id?: string | undefined;
}

/** How a file stores vectors and ids: in two datasets, or in a dataset for each protein. */
export type Layout =
  | { kind: 'pair'; embedding: string; id: string; note?: string }
  | { kind: 'proteins'; proteins: ProteinTable; note: string };

/** Names that decide between several datasets. */
const VECTOR_NAMES = ['embedding', 'embeddings', 'vectors', 'vector', 'x'];
const ID_NAMES = [
  'id',
  'ids',
  'name',
  'names',
  'accession',
  'accessions',
  'protein',
  'proteins',
  'protein_id',
  'index',
];
const USUAL = [
  ['embedding', 'id'],
  ['embeddings', 'ids'],
] as const;

/**
 * Finds out how a file stores vectors.
 * @param onNote receives what reading the vectors shows later
 * @throws DataError that says what the file has
 */
export function findLayout(
  module: H5Module,
  files: OpenFiles,
  path: string,
  named: DatasetNames,
  onNote: (note: string) => void,
): Layout {
  const open = files.open(path);
  const { embedding, id } = named;
  if (embedding !== undefined && id !== undefined) return { kind: 'pair', embedding, id };
  const key = keyOf(path);
  if (surveyed?.key === key && embedding === undefined && id === undefined)
    return proteinLayout(module, files, open, surveyed.datasets, onNote);
  return guardStructures(path, '/', () => {
    if (embedding === undefined && id === undefined) {
      const known = namesOfRoot(module, open, USUAL.flat());
      const usual = USUAL.find((pair) => pair.every((name) => known.has(name)));
      if (usual) return { kind: 'pair', embedding: usual[0], id: usual[1] };
    }
    return choose(module, files, open, named, key, onNote);
  });
}

/** The last file with a dataset for each protein: threads open a file again and again, and half a million datasets take seconds. */
let surveyed: { key: string; datasets: ProteinDatasets } | undefined;

/** Identifies the content of a file, as long as nobody writes to it. */
function keyOf(path: string): string {
  const { ino, size, mtimeMs } = statSync(path);
  return JSON.stringify([path, ino, size, mtimeMs]);
}

function proteinLayout(
  module: H5Module,
  files: OpenFiles,
  open: OpenFile,
  datasets: ProteinDatasets,
  onNote: (note: string) => void,
): Layout {
  const proteins = openProteinTable(module, files, open, datasets, onNote);
  return { kind: 'proteins', proteins, note: messages.proteinsNote(open.path, proteins.rows, proteins.firstId) };
}

function choose(
  module: H5Module,
  files: OpenFiles,
  open: OpenFile,
  named: DatasetNames,
  key: string,
  onNote: (note: string) => void,
): Layout {
  const { path } = open;
  const datasets = new ProteinDatasets(path);
  let link: string | undefined;
  const survey = surveyDatasets(module, open, datasets.add, (name) => {
    link ??= name;
  });
  const content = messages.listContent(survey, datasets.first);
  const pairs = findPairs(path, survey, named, content);
  const best = preferred(pairs);
  const [pair] = best;
  if (best.length > 1 || (pair && isDoubtful(pair, pairs, survey, datasets, named)))
    throw messages.severalTables(path, content);
  if (pair) {
    const [embedding, id] = [pair.vectors.path, pair.ids.path];
    return { kind: 'pair', embedding, id, note: messages.tableNote(path, embedding, id) };
  }
  const matrix = survey.others.find(isMatrix);
  const root = survey.others.find((each) => VECTOR_NAMES.includes(each.path.toLowerCase()));
  if (named.embedding !== undefined || root) throw messages.noIdDataset(path, named.embedding ?? root!.path, content);
  if (survey.vectorCount === 0) {
    if (matrix && survey.otherCount > 1 && survey.others.every(isMatrix)) throw messages.residueVectors(path, matrix);
    throw messages.noVectorDataset(path, content);
  }
  if (matrix) throw messages.residueVectors(path, matrix);
  if (survey.others[0]) throw messages.notAllVectors(path, survey.others[0], content);
  if (link !== undefined) throw messages.linkElsewhere(path, link);
  const layout = proteinLayout(module, files, open, datasets, onNote);
  surveyed = { key, datasets };
  return layout;
}

interface Pair {
  vectors: FoundDataset;
  ids: FoundDataset;
}

/** Finds the datasets of vectors and ids whose row counts agree, in the same group. */
function findPairs(path: string, { others }: Survey, named: DatasetNames, content: string): Pair[] {
  const select = (name: string | undefined, option: string, isOne: (dataset: FoundDataset) => boolean) => {
    const found = others.filter((each) => isOne(each) && (name === undefined || each.path === name.replace(/^\//, '')));
    if (name !== undefined && found.length === 0) throw messages.noSuchDataset(path, option, name, content);
    return found;
  };
  const matrices = select(named.embedding, '--h5-embedding', isMatrix);
  const lists = select(named.id, '--h5-id', isList);
  return matrices.flatMap((vectors) =>
    lists
      .filter((ids) => vectors.shape.includes(ids.shape[0]!))
      .filter((ids) => named.embedding !== undefined || named.id !== undefined || groupOf(ids) === groupOf(vectors))
      .map((ids) => ({ vectors, ids })),
  );
}

/** Returns the pairs of usual names, or all pairs if none has a usual name. */
function preferred(pairs: readonly Pair[]): readonly Pair[] {
  const byVectors = usualOf(pairs, ({ vectors }) => vectors, VECTOR_NAMES);
  return usualOf(byVectors, ({ ids }) => ids, ID_NAMES);
}

/** Returns whether the preferred pair may be something else: names of components, residues of one protein, sequences beside numeric ids. */
function isDoubtful(
  pair: Pair,
  pairs: readonly Pair[],
  { others }: Survey,
  { list }: ProteinDatasets,
  named: DatasetNames,
): boolean {
  const { vectors, ids } = pair;
  const isLike = (other: FoundDataset) => other !== vectors && isMatrix(other) && other.shape[1] === vectors.shape[1];
  if (named.embedding === undefined && !isNamed(vectors, VECTOR_NAMES) && others.some(isLike)) return true;
  if (!isUpright(pair) && pairs.some((other) => other.vectors === vectors && isUpright(other))) return true;
  if (named.id !== undefined || isNamed(ids, ID_NAMES)) return false;
  const isOtherId = (path: string) => groupOf({ path }) === groupOf(ids) && /^ids?$/i.test(nameOf({ path }));
  if (!isUpright(pair)) return true;
  for (let row = 0; row < list.length; row++) if (isOtherId(list.path(row))) return true;
  return false;
}

function usualOf(pairs: readonly Pair[], of: (pair: Pair) => FoundDataset, names: readonly string[]): readonly Pair[] {
  const usual = pairs.filter((pair) => isNamed(of(pair), names));
  return usual.length > 0 ? usual : pairs;
}

const isUpright = ({ vectors, ids }: Pair) => vectors.shape[0] === ids.shape[0];
const isNamed = (dataset: FoundDataset, names: readonly string[]) => names.includes(nameOf(dataset).toLowerCase());
const nameOf = ({ path }: Pick<FoundDataset, 'path'>) => path.slice(path.lastIndexOf('/') + 1);
const groupOf = ({ path }: Pick<FoundDataset, 'path'>) => path.slice(0, path.lastIndexOf('/') + 1);
const isMatrix = ({ shape, element }: FoundDataset) => shape.length === 2 && element.kind === 'number';
const isList = ({ shape, element }: FoundDataset) => shape.length === 1 && element.kind === 'text';
