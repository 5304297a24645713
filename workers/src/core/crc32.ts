/** The polynomial of CRC-32 (IEEE 802.3, as in zlib), bits reversed. */
const POLYNOMIAL = 0xedb88320;

/** Product of two polynomials modulo the CRC's. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0x80000000, factor = b; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}

/** x^(2^i) for i = 0, 1, ...; the order of x is 2^32 - 1, so 32 of them are all. */
const POWERS = ((power) => {
  const powers: number[] = [];
  for (let i = 0; i < 32; i++, power = multiply(power, power)) powers.push(power);
  return powers;
})(0x40000000);

/** CRC-32 of two contents one after the other, from their own: what they were need not be known. */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  let shift = 0x80000000; // 1
  // x^(8 * bytes): eight times is three powers on.
  for (let rest = secondBytes, i = 3; rest > 0; rest = Math.floor(rest / 2), i++)
    if (rest % 2 === 1) shift = multiply(POWERS[i % 32]!, shift);
  return (multiply(shift, first) ^ second) >>> 0;
}

/** Eight hexadecimal digits, as in the catalog. */
export function formatCrc32(value: number): string {
  return value.toString(16).padStart(8, '0');
}
