/** Creates a function that returns the seconds since its last call, or since the start. */
export function startStopwatch(): () => number {
  let lastMs = performance.now();
  return () => {
    const seconds = (performance.now() - lastMs) / 1000;
    lastMs += seconds * 1000;
    return seconds;
  };
}
