/** Lets calls through together: those of one turn of the event loop at once, later ones not before so many ms after them. */
export function gate(everyMs: number): () => Promise<void> {
  let openedAt = Number.NEGATIVE_INFINITY
  let opening: Promise<void> | undefined
  const open = async () => {
    // whatever comes in the same turn goes through with it
    await new Promise((resolve) => setImmediate(resolve))
    const waitMs = openedAt + everyMs - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    openedAt = performance.now()
    opening = undefined
  }
  return () => {
    opening ??= open()
    return opening
  }
}

/** Makes one call of those that come in one turn of the event loop, or within `lingerMs` of the first; they share its fate. */
export function shared<Item>(run: (items: readonly Item[]) => Promise<void>, lingerMs = 0): (item: Item) => Promise<void> {
  let coming: { readonly items: Item[]; readonly done: Promise<void> } | undefined
  return (item) => {
    if (coming === undefined) {
      const items: Item[] = []
      const turn = async () => {
        await new Promise((resolve) => (lingerMs > 0 ? setTimeout(resolve, lingerMs) : setImmediate(resolve)))
        coming = undefined
        await run(items)
      }
      coming = { items, done: turn() }
    }
    coming.items.push(item)
    return coming.done
  }
}
