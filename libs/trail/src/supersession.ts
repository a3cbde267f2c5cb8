import { type DeliveryRow, never, supersededFrom } from './delivery-row.ts'

/**
 * The rows, each open one superseded from the moment at which a higher version of its pair first ended, where there is such a version among them.
 * Rows that only serve as knowledge may stand among them: what does not change comes back as the same object.
 */
export function supersede(rows: readonly DeliveryRow[]): DeliveryRow[] {
  const pairs = new Map<string, DeliveryRow[]>()
  for (const row of rows) {
    const mates = pairs.get(row.pair)
    if (mates === undefined) pairs.set(row.pair, [row])
    else mates.push(row)
  }
  return [...pairs.values()].flatMap(supersedePair)
}

function supersedePair(rows: DeliveryRow[]): DeliveryRow[] {
  if (rows.length === 1) return rows
  let ended = never
  // from the highest version down, carrying the earliest end of all that stand above
  return rows
    .sort((a, b) => b.version - a.version)
    .map((row) => {
      const next = ended < never ? supersededFrom(row, ended) : row
      ended = Math.min(ended, row.firstEndedAt)
      return next
    })
}
