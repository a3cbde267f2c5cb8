import type { BackfillProgress__Output } from '@heed/contracts/gen/heed/propagation/v1/BackfillProgress.ts'
import { SingleBar } from 'cli-progress'
import type { CommandContext } from '../context.ts'
import { exitCodes, InputError } from '../failures.ts'
import { timeText } from '../output.ts'

/** Asserts the newest state of everybody once more to one recipient, and shows how far it is. */
export async function backfill(
  context: CommandContext,
  options: {
    recipient: string
    reason: string
    maxPerSecond: number
    detach: boolean
    stop?: string | undefined
    resume?: string | undefined
    list: boolean
  },
): Promise<number> {
  const { propagation } = context.clients()
  if (options.list) {
    const { backfills } = await propagation.listBackfills({ recipientId: options.recipient })
    context.output.document(backfills)
    context.output.table(
      ['backfill', 'recipient', 'state', 'published', 'scanned', 'of about', 'started', 'ended'],
      backfills.map((row) => [
        row.backfillId,
        row.recipientId,
        stateOf(row),
        String(row.published),
        String(row.scanned),
        String(row.total),
        timeText(row.startedAt),
        timeText(row.endedAt),
      ]),
    )
    return exitCodes.done
  }
  if (options.stop !== undefined) {
    const { backfill: stopped } = await propagation.stopBackfill({ backfillId: options.stop })
    context.output.document(stopped)
    context.output.line(
      `stopped after ${stopped?.scanned ?? 0} of about ${stopped?.total ?? 0}; go on with: heed backfill --resume ${options.stop}`,
    )
    return exitCodes.done
  }
  const { backfill: started } =
    options.resume === undefined
      ? await propagation.startBackfill({ recipientId: options.recipient, maxPerSecond: options.maxPerSecond, reason: options.reason })
      : await propagation.resumeBackfill({ backfillId: options.resume })
  if (started === null) return exitCodes.failed
  context.output.document(started)
  context.output.line(`backfill ${started.backfillId} of ${started.recipientId}`)
  return options.detach ? exitCodes.done : followBackfill(context, started)
}

async function followBackfill(context: CommandContext, started: BackfillProgress__Output): Promise<number> {
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {value} of about {total} | {eta_formatted} left',
    stream: process.stderr,
    hideCursor: true,
  })
  const shown = !context.output.json && process.stderr.isTTY
  if (shown) bar.start(Math.max(started.total, 1), started.scanned)
  let last = started
  try {
    for await (const { backfill: progress } of context.clients().propagation.watchBackfill({ backfillId: started.backfillId })) {
      if (progress === null) continue
      last = progress
      context.output.document(progress)
      if (shown) bar.update(Math.min(progress.scanned, Math.max(progress.total, 1)))
    }
  } finally {
    if (shown) bar.stop()
  }
  context.output.line(`${stateOf(last)}: ${last.published} deliveries for ${last.scanned} subjects`)
  return last.state === 'BACKFILL_STATE_COMPLETED' ? exitCodes.done : exitCodes.failed
}

const stateOf = ({ state }: BackfillProgress__Output): string => state.replace('BACKFILL_STATE_', '').toLowerCase()

/** Asserts once more what recipients must hold about one subject. */
export async function redeliver(
  context: CommandContext,
  subjectId: string,
  recipientIds: readonly string[],
  reason: string,
): Promise<number> {
  const answer = await context.clients().propagation.redeliver({ subjectId, recipientIds: [...recipientIds], reason })
  context.output.document(answer)
  context.output.line(
    answer.deliveryIds.length === 0
      ? 'no recipient has to be told about this subject'
      : `asserted again:\n  ${answer.deliveryIds.join('\n  ')}`,
  )
  return exitCodes.done
}

/** Holds back everything for a recipient, or lets it go on. */
export async function pauseOrResume(
  context: CommandContext,
  recipientId: string,
  reason: string,
  act: 'pause' | 'resume',
): Promise<number> {
  const { propagation } = context.clients()
  if (act === 'pause') await propagation.pauseRecipient({ recipientId, reason })
  else await propagation.resumeRecipient({ recipientId, reason })
  context.output.document({ recipientId, act })
  context.output.line(act === 'pause' ? `${recipientId} is paused: what is owed to it piles up and stays open` : `${recipientId} goes on`)
  return exitCodes.done
}

/** Ends a delivery by the word of a named person. */
export async function resolve(context: CommandContext, deliveryId: string, by: string, why: string, evidence = ''): Promise<number> {
  if (why.trim() === '') throw new InputError('--why: say what was done, in words that an auditor can follow')
  await context.clients().propagation.resolveDelivery({ deliveryId, resolvedBy: by, why, evidence })
  context.output.document({ deliveryId, resolvedBy: by, evidence })
  context.output.line(`${deliveryId} is resolved by ${by}`)
  return exitCodes.done
}
