/** Order of a binary heap in an array, whose first entry is the smallest. */
export type Compare<T> = (a: T, b: T) => number;

/** Adds an entry. */
export function pushHeap<T>(heap: T[], entry: T, compare: Compare<T>): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const parent = (at - 1) >>> 1;
    if (compare(entry, heap[parent]!) >= 0) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

/** Removes and returns the first entry of a heap that has one. */
export function popHeap<T>(heap: T[], compare: Compare<T>): T {
  const first = heap[0]!;
  const last = heap.pop()!;
  if (heap.length > 0) {
    heap[0] = last;
    sinkHeap(heap, compare);
  }
  return first;
}

/** Restores the heap after the value of its first entry grew. */
export function sinkHeap<T>(heap: T[], compare: Compare<T>): void {
  const entry = heap[0]!;
  const length = heap.length;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= length) break;
    if (child + 1 < length && compare(heap[child + 1]!, heap[child]!) < 0) child++;
    if (compare(heap[child]!, entry) >= 0) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = entry;
}
