/**
 * Runs one step of the Parquet decoder. Damaged bytes can make its WebAssembly code trap in a separate task: an uncaught exception, while
 * the step never ends. The step then fails with that exception.
 */
export async function catchTraps<T>(step: () => Promise<T>): Promise<T> {
  let onTrap = (_: unknown) => {};
  const trapped = new Promise<never>((_, reject) => {
    onTrap = reject;
  });
  if (waiting.size === 0) process.on('uncaughtException', failWaiting);
  waiting.add(onTrap);
  try {
    return await Promise.race([step(), trapped]);
  } finally {
    waiting.delete(onTrap);
    if (waiting.size === 0) process.off('uncaughtException', failWaiting);
  }
}

/** Decoder steps in progress. A trap leaves the decoder unusable, so it fails them all. */
const waiting = new Set<(error: unknown) => void>();

function failWaiting(error: unknown) {
  for (const fail of waiting) fail(error);
}
