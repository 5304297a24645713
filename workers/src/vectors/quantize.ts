/** Codes use 7 bits, sign included, so that products with unsigned bytes cannot overflow 16 bits on processors without VNNI. */
export const LARGEST_CODE = 63;
