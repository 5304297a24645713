/** Produces the next item while the last one is used. An item's buffers must stay valid until one more item is produced. */
export async function* readAhead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    let next = items.next();
    next.catch(() => {}); // awaited below; an unhandled rejection would stop the process first
    for (let item = await next; !item.done; item = await next) {
      next = items.next();
      next.catch(() => {});
      yield item.value;
    }
  } finally {
    await items.return(undefined);
  }
}
