const PAD_NULL_TERMINATED = 0;
const PAD_SPACE = 2;

/**
 * Finds the end of a fixed-length text: before the NULs (what numpy writes) or spaces that fill it, or at its first NUL.
 * @param pad how it is filled: H5T_str_t
 */
export function unpadded(bytes: Uint8Array, from: number, end: number, pad: number): number {
  let to = end;
  if (pad === PAD_NULL_TERMINATED) for (to = from; to < end && bytes[to] !== 0; ) to++;
  // h5wasm fills with NULs what it declares as filled with spaces.
  else while (to > from && (bytes[to - 1] === 0 || (pad === PAD_SPACE && bytes[to - 1] === 0x20))) to--;
  return to;
}
