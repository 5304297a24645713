import { totalmem } from 'node:os';

/** Returns the bytes that this process may use: of the machine, of its container, or of its function on AWS Lambda. */
export function memoryLimit(): number {
  const functionBytes = Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE || Number.POSITIVE_INFINITY) * 2 ** 20;
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY, functionBytes);
}
