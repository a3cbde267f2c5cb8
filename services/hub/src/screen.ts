import { stateText } from '@heed/cli'
import { fromTimestamp } from '@heed/contracts'
import type { ChangeStatus__Output } from '@heed/contracts/gen/heed/audit/v1/ChangeStatus.ts'
import colors from 'picocolors'

/** What `npm start` says while it works. Plain lines, so that it reads the same in a terminal, a file and a container's log. */
export interface Screen {
  title(text: string): void
  step(text: string): void
  line(text?: string): void
  problem(text: string): void
}

/** A screen on a stream. */
export function screenOn(write: (text: string) => void): Screen {
  return {
    title: (text) => write(`\n${colors.bold(text)}\n`),
    step: (text) => write(`${colors.green('✓')} ${text}\n`),
    line: (text = '') => write(`${text}\n`),
    problem: (text) => write(`${colors.red('✗')} ${text}\n`),
  }
}

/** The steps of a change as they come in: one line for each recipient and state, said once. */
export function changeReporter(screen: Screen, titles: ReadonlyMap<string, string>): (status: ChangeStatus__Output) => void {
  const said = new Map<string, string>()
  return (status) => {
    const acceptedAt = fromTimestamp(status.acceptedAt) ?? Number.NaN
    for (const { deliveryId, recipientId, state, waitReason, lastReason, lastAttemptAt, settledAt } of status.deliveries) {
      const words = `${stateText(state)}${lastReason === '' ? '' : colors.dim(` ${lastReason}`)}`
      const waits = state === 'DELIVERY_STATE_PENDING' && waitReason !== '' ? colors.dim(` ${waitReason}`) : ''
      if (said.get(deliveryId) === words) continue
      said.set(deliveryId, words)
      const at = fromTimestamp(settledAt ?? lastAttemptAt)
      const after = at === undefined ? '' : colors.dim(` ${Math.max(0, at - acceptedAt)} ms after it was accepted`)
      screen.line(`    ${(titles.get(recipientId) ?? recipientId).padEnd(58)} ${words}${waits}${after}`)
    }
  }
}
