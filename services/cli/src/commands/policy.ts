import { readFile } from 'node:fs/promises'
import type { BackfillProgress__Output } from '@heed/contracts/gen/heed/propagation/v1/BackfillProgress.ts'
import type { DiffPolicyResponse__Output } from '@heed/contracts/gen/heed/propagation/v1/DiffPolicyResponse.ts'
import type { EntryDifference__Output } from '@heed/contracts/gen/heed/propagation/v1/EntryDifference.ts'
import type { PolicyName__Output } from '@heed/contracts/gen/heed/propagation/v1/PolicyName.ts'
import colors from 'picocolors'
import type { CommandContext } from '../context.ts'
import { exitCodes, InputError } from '../failures.ts'

const nameText = (name: PolicyName__Output | null): string =>
  `${name?.id ?? '?'} ${name?.version ?? '?'} (${name?.sha256.slice(0, 8) ?? '?'})`
const changeText = ({ change }: EntryDifference__Output): string => change.replace('ENTRY_CHANGE_', '').toLowerCase()

function whatText({ differences }: EntryDifference__Output): string {
  return differences
    .map(({ aspect, removed, added }) => {
      const one = [removed.length === 0 ? '' : `− ${removed.join(', ')}`, added.length === 0 ? '' : `+ ${added.join(', ')}`]
      return `${aspect} ${one.filter((text) => text !== '').join(' ')}`.trim()
    })
    .join('\n')
}

function consequenceText(entry: EntryDifference__Output, open: number): string {
  if (entry.toldAnew) return entry.subjects === 0 ? 'told again: nobody' : colors.yellow(`told again: ${entry.subjects}`)
  if (entry.change !== 'ENTRY_CHANGE_REMOVED') return 'nobody is told again'
  return `${entry.subjects} refused something there; ${open === 0 ? 'nothing is owed' : colors.red(`${open} deliveries are open and stay owed`)}`
}

/** What a policy file would change against the policy that was applied last: which recipients, and how many subjects. Changes nothing. */
export async function diff(context: CommandContext, file: string | undefined): Promise<number> {
  const policyText = file === undefined ? '' : await read(file)
  const { propagation, audit } = context.clients()
  let last: DiffPolicyResponse__Output | undefined
  for await (const told of propagation.diffPolicy({ policyText })) last = told
  if (last === undefined) return exitCodes.failed
  const { output } = context
  output.document(last)
  const { purposes, recipients } = last
  output.line(`from ${nameText(last.before)} to ${nameText(last.after)}`)
  if (purposes.length + recipients.length === 0) output.line('they say the same')
  if (purposes.length > 0)
    output.table(
      ['purpose', '', 'what'],
      purposes.map((entry) => [entry.id, changeText(entry), whatText(entry)]),
    )
  if (recipients.length > 0) {
    const removed = recipients.some(({ change }) => change === 'ENTRY_CHANGE_REMOVED')
    // who may not read the trail sees the differences all the same
    const open = removed ? await audit.listRecipientStatus({}).catch(() => ({ recipients: [] })) : { recipients: [] }
    const openOf = (id: string) => open.recipients.find(({ recipientId }) => recipientId === id)?.open ?? 0
    output.table(
      ['recipient', '', 'what', 'subjects'],
      recipients.map((entry) => [entry.id, changeText(entry), whatText(entry), consequenceText(entry, openOf(entry.id))]),
    )
    if (removed)
      output.line(
        'A recipient that is taken out is told nothing any more, and what it is owed stays open until a named person resolves it. While it may still hold somebody, leave it in, `retired`.',
      )
  }
  output.line(`${last.scanned} subjects were looked at; changes nothing`)
  return exitCodes.done
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (thrown) {
    const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : 'unknown'
    throw new InputError(`${file} cannot be read (${code})`)
  }
}

/** Has recipients told what the policy in force makes due, and follows the backfills to their end. */
export async function apply(
  context: CommandContext,
  options: { readonly reason: string; readonly maxPerSecond: number; readonly detach: boolean },
): Promise<number> {
  const { propagation } = context.clients()
  const { before, after, backfills } = await propagation.applyPolicy({ reason: options.reason, maxPerSecond: options.maxPerSecond })
  context.output.document({ before, after, backfills })
  context.output.line(
    before?.sha256 === after?.sha256
      ? `${nameText(after)} was applied before${backfills.length === 0 ? '' : '; its backfills:'}`
      : `${nameText(after)} takes the place of ${nameText(before)}`,
  )
  if (backfills.length === 0) context.output.line('nobody has to be told again')
  const ended = options.detach ? backfills : await Promise.all(backfills.map((backfill) => follow(context, backfill)))
  context.output.table(
    ['backfill', 'recipient', 'state', 'told', 'looked at'],
    ended.map(({ backfillId, recipientId, state, published, scanned }) => [
      backfillId,
      recipientId,
      state.replace('BACKFILL_STATE_', '').toLowerCase(),
      String(published),
      String(scanned),
    ]),
  )
  return ended.every(({ state }) => options.detach || state === 'BACKFILL_STATE_COMPLETED') ? exitCodes.done : exitCodes.failed
}

async function follow(context: CommandContext, begun: BackfillProgress__Output): Promise<BackfillProgress__Output> {
  let last = begun
  for await (const { backfill } of context.clients().propagation.watchBackfill({ backfillId: begun.backfillId })) last = backfill ?? last
  return last
}
