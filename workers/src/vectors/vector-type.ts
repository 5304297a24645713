/** Types of stored vectors. */
export const VECTOR_TYPES = ['float32', 'float16'] as const;
export type VectorType = (typeof VECTOR_TYPES)[number];

/** Bytes of one component. */
export const COMPONENT_BYTES: Record<VectorType, number> = { float32: 4, float16: 2 };
