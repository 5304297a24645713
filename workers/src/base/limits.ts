/** Limits of single values, so that a damaged file cannot exhaust the memory. docs/formats.md lists them. */

/** Bytes of an id in UTF-8. */
export const MAX_ID_BYTES = 2 ** 20;

/** Components of a vector in a shard. */
export const MAX_DIMENSION = 2 ** 20;

/** Decompressed bytes of a chunk of a shard's dataset, which is read as a whole. */
export const MAX_CHUNK_BYTES = 2 ** 30;

/** Bytes of one attribute of a shard, and of all attributes together; attributes beyond the limits are dropped. */
export const MAX_ATTRIBUTE_BYTES = 2 ** 16;
export const MAX_ATTRIBUTES_BYTES = 2 ** 19;

/** Datasets of a vector each in an HDF5 file. Each needs 12 bytes of memory, and its path. */
export const MAX_PROTEIN_DATASETS = 2 ** 25;

/** Bytes of a FASTA header, its id included. */
export const MAX_HEADER_BYTES = 2 ** 24;

/** Letters of a sequence, gaps and stops included. The longest known proteins have about 100,000. */
export const MAX_SEQUENCE_LETTERS = 2 ** 24;

/** Bytes of a text of a kept column: descriptions and sequences may be as long as FASTA allows. */
export const MAX_CELL_BYTES = 2 ** 24;

/** Bytes of a text that all rows of a shard have: a block of 65,536 rows holds it as often. */
export const MAX_SHARED_CELL_BYTES = 2 ** 10;

/** Bytes of a text file that is read as a whole: a list of ids, a JSON document of a model. */
export const MAX_TEXT_BYTES = 2 ** 28;

/** Nesting depth of external JSON. Deeper JSON can be parsed, but serializing and printing it would overflow the stack. */
export const MAX_JSON_DEPTH = 64;
