/** 7 bits and a sign bit less: products with unsigned bytes then cannot overflow 16 bits on processors without VNNI. */
export const LARGEST_CODE = 63;
