/** Lets something happen a few times at once and then at most so often. By the machine's clock: it is no time that a turned clock could bring. */
export interface Pace {
  /** Whether it has to wait; it rings when it need not any more. */
  mustWait(): boolean
  /** It happens now. */
  spend(): void
  stop(): void
}

/** A pace of once in `everyMs`, with `atOnce` in hand after a rest. */
export function createPace(everyMs: number, atOnce: number, ring: () => void): Pace {
  let inHand = atOnce
  let countedAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  const count = () => {
    const now = performance.now()
    inHand = Math.min(atOnce, inHand + (now - countedAt) / everyMs)
    countedAt = now
  }
  return {
    mustWait: () => {
      count()
      if (inHand >= 1) return false
      timer ??= setTimeout(
        () => {
          timer = undefined
          ring()
        },
        Math.ceil((1 - inHand) * everyMs),
      )
      return true
    },
    spend: () => {
      count()
      // what had to happen at once delays nothing further
      inHand = Math.max(0, inHand - 1)
    },
    stop: () => {
      clearTimeout(timer)
      timer = undefined
    },
  }
}
