/**
 * Work in lanes: of each key one piece at a time, in the order in which it came; different keys side by side. A piece that was taken keeps its lane
 * until `done` or `again` is called for the key.
 */
export class Lanes<Key, Work> {
  readonly #lanes = new Map<Key, Work[]>()
  // the keys whose first piece may be taken, each once
  readonly #ready: Key[] = []

  /** Adds work behind all that its key has. */
  add(key: Key, work: Work): void {
    const lane = this.#lanes.get(key)
    if (lane !== undefined) {
      lane.push(work)
      return
    }
    this.#lanes.set(key, [work])
    this.#ready.push(key)
  }

  /** The first piece of up to so many lanes. */
  take(most: number): [Key, Work][] {
    const taken: [Key, Work][] = []
    for (const key of this.#ready.splice(0, most)) {
      const first = this.#lanes.get(key)?.[0]
      if (first !== undefined) taken.push([key, first])
    }
    return taken
  }

  /** The piece that was taken is finished: the one behind it is next. */
  done(key: Key): void {
    const lane = this.#lanes.get(key)
    if (lane === undefined) return
    lane.shift()
    if (lane.length === 0) this.#lanes.delete(key)
    else this.#ready.push(key)
  }

  /** The piece that was taken is to be taken again, before those behind it. */
  again(key: Key): void {
    if (this.#lanes.has(key)) this.#ready.push(key)
  }

  /** How many lanes wait to be taken from. */
  get ready(): number {
    return this.#ready.length
  }
}
