/**
 * The same call for everything that comes within so many milliseconds of the first: a partner that reports a thousand messages one by one costs the broker, and whoever reads after it, a few
 * batches. Each caller gets the outcome of the call that carried what it gave.
 */
export function gathered<Item>(send: (items: readonly Item[]) => Promise<void>, waitMs: number): (items: readonly Item[]) => Promise<void> {
  let next: { readonly items: Item[]; readonly sent: Promise<void> } | undefined
  return (items) => {
    if (next === undefined) {
      const waiting: Item[] = []
      const sent = new Promise<void>((resolve) => setTimeout(resolve, waitMs)).then(() => {
        next = undefined
        return send(waiting)
      })
      next = { items: waiting, sent }
    }
    next.items.push(...items)
    return next.sent
  }
}
