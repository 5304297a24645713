/**
 * BLOSUM62 as NCBI distributes it, in half bits: the matrix of Biopython and parasail. It has no J, U and O; as in NCBI's BLAST, J (I or L) has a
 * row of its own, U (selenocysteine) scores as C, and O (pyrrolysine) as X.
 */
const ORDER = 'ARNDCQEGHILKMFPSTWYVBZX*J';
const BLOSUM62 = `
 4 -1 -2 -2  0 -1 -1  0 -2 -1 -1 -1 -1 -2 -1  1  0 -3 -2  0 -2 -1  0 -4 -1
-1  5  0 -2 -3  1  0 -2  0 -3 -2  2 -1 -3 -2 -1 -1 -3 -2 -3 -1  0 -1 -4 -2
-2  0  6  1 -3  0  0  0  1 -3 -3  0 -2 -3 -2  1  0 -4 -2 -3  3  0 -1 -4 -3
-2 -2  1  6 -3  0  2 -1 -1 -3 -4 -1 -3 -3 -1  0 -1 -4 -3 -3  4  1 -1 -4 -3
 0 -3 -3 -3  9 -3 -4 -3 -3 -1 -1 -3 -1 -2 -3 -1 -1 -2 -2 -1 -3 -3 -2 -4 -1
-1  1  0  0 -3  5  2 -2  0 -3 -2  1  0 -3 -1  0 -1 -2 -1 -2  0  3 -1 -4 -2
-1  0  0  2 -4  2  5 -2  0 -3 -3  1 -2 -3 -1  0 -1 -3 -2 -2  1  4 -1 -4 -3
 0 -2  0 -1 -3 -2 -2  6 -2 -4 -4 -2 -3 -3 -2  0 -2 -2 -3 -3 -1 -2 -1 -4 -4
-2  0  1 -1 -3  0  0 -2  8 -3 -3 -1 -2 -1 -2 -1 -2 -2  2 -3  0  0 -1 -4 -3
-1 -3 -3 -3 -1 -3 -3 -4 -3  4  2 -3  1  0 -3 -2 -1 -3 -1  3 -3 -3 -1 -4  3
-1 -2 -3 -4 -1 -2 -3 -4 -3  2  4 -2  2  0 -3 -2 -1 -2 -1  1 -4 -3 -1 -4  3
-1  2  0 -1 -3  1  1 -2 -1 -3 -2  5 -1 -3 -1  0 -1 -3 -2 -2  0  1 -1 -4 -3
-1 -1 -2 -3 -1  0 -2 -3 -2  1  2 -1  5  0 -2 -1 -1 -1 -1  1 -3 -1 -1 -4  2
-2 -3 -3 -3 -2 -3 -3 -3 -1  0  0 -3  0  6 -4 -2 -2  1  3 -1 -3 -3 -1 -4  0
-1 -2 -2 -1 -3 -1 -1 -2 -2 -3 -3 -1 -2 -4  7 -1 -1 -4 -3 -2 -2 -1 -2 -4 -3
 1 -1  1  0 -1  0  0  0 -1 -2 -2  0 -1 -2 -1  4  1 -3 -2 -2  0  0  0 -4 -2
 0 -1  0 -1 -1 -1 -1 -2 -2 -1 -1 -1 -1 -2 -1  1  5 -2 -2  0 -1 -1  0 -4 -1
-3 -3 -4 -4 -2 -2 -3 -2 -2 -3 -2 -3 -1  1 -4 -3 -2 11  2 -3 -4 -3 -2 -4 -2
-2 -2 -2 -3 -2 -1 -2 -3  2 -1 -1 -2 -1  3 -3 -2 -2  2  7 -1 -3 -2 -1 -4 -1
 0 -3 -3 -3 -1 -2 -2 -3 -3  3  1 -2  1 -1 -2 -2  0 -3 -1  4 -3 -2 -1 -4  2
-2 -1  3  4 -3  0  1 -1  0 -3 -4  0 -3 -3 -2  0 -1 -4 -3 -3  4  1 -1 -4 -3
-1  0  0  1 -3  3  4 -2  0 -3 -3  1 -1 -3 -1  0 -1 -3 -2 -2  1  4 -1 -4 -3
 0 -1 -1 -1 -2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -2  0  0 -2 -1 -1 -1 -1 -1 -4 -1
-4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4  1 -4
-1 -2 -3 -3 -1 -2 -3 -4 -3  3  3 -3  2  0 -3 -2 -1 -2 -1  2 -3 -3 -1 -4  3`;

/** Number of codes of residues: those of the matrix, then U and O. */
export const RESIDUE_CODES = ORDER.length + 2;
const LETTERS = `${ORDER}UO`;
const SCORED_AS = `${ORDER}CX`;

/** The code of a lane without a residue, which scores so low that no alignment extends over it. */
export const NO_RESIDUE = 31;
/** Columns of the matrix of the kernels, a power of two. */
export const MATRIX_COLUMNS = 32;

/** Scores of pairs of codes: [RESIDUE_CODES, MATRIX_COLUMNS]; -128 for codes of no residue. */
export const SCORES: Int8Array = scoreTable();

function scoreTable(): Int8Array {
  const numbers = BLOSUM62.trim().split(/\s+/).map(Number);
  const table = new Int8Array(RESIDUE_CODES * MATRIX_COLUMNS).fill(-128);
  const rowOf = (code: number) => ORDER.indexOf(SCORED_AS[code]!);
  for (let a = 0; a < RESIDUE_CODES; a++)
    for (let b = 0; b < RESIDUE_CODES; b++)
      table[a * MATRIX_COLUMNS + b] = numbers[rowOf(a) * ORDER.length + rowOf(b)]!;
  return table;
}

/** A sequence as codes of `encodeResidues`. */
export type Residues = Uint8Array;

/** Codes by byte; undefined letters are X, gaps are marked by NO_RESIDUE. */
const CODE_OF_BYTE = new Uint8Array(256).fill(ORDER.indexOf('X'));
for (const [code, letter] of [...LETTERS].entries())
  for (const byte of Buffer.from(letter + letter.toLowerCase())) CODE_OF_BYTE[byte] = code;
for (const byte of Buffer.from('-. \t\r\n')) CODE_OF_BYTE[byte] = NO_RESIDUE;

/**
 * Encodes a sequence, ASCII or UTF-8, for the kernels: lower case as upper case, without gaps (`-` and `.`) and white space; letters that no rule
 * knows are X.
 */
export function encodeResidues(sequence: Uint8Array): Uint8Array {
  const codes = new Uint8Array(sequence.length);
  let length = 0;
  for (let at = 0; at < sequence.length; at++) {
    const code = CODE_OF_BYTE[sequence[at]!]!;
    codes[length] = code;
    if (code !== NO_RESIDUE) length++;
  }
  return codes.subarray(0, length);
}
