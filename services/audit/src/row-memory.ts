import type { DeliveryId } from '@heed/domain'
import type { DeliveryRow } from '@heed/trail'
import type { RowMemory } from './round.ts'

/** The rows written last, by id; the ones written longest ago are forgotten first. */
export class RecentRows implements RowMemory {
  readonly #rows = new Map<DeliveryId, DeliveryRow>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get(id: DeliveryId): DeliveryRow | undefined {
    return this.#rows.get(id)
  }

  /** Keeps rows that are stored as they are given here. */
  keep(rows: Iterable<DeliveryRow>): void {
    for (const row of rows) {
      this.#rows.delete(row._id)
      this.#rows.set(row._id, row)
    }
    for (const id of this.#rows.keys()) {
      if (this.#rows.size <= this.#limit) break
      this.#rows.delete(id)
    }
  }

  /** Forgets all: what is stored may differ from now on. */
  clear(): void {
    this.#rows.clear()
  }
}
