import type { Task } from '@heed/connector-kit'
import { type Grant, type Policy, parsePolicy } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import { type AnyConnector, recipientUsage } from './usage.ts'

const entry = {
  id: 'ad-house',
  title: 'Ad house',
  role: 'controller',
  clause: '3',
  quote: 'An ad house helps.',
  purposes: ['ads'],
  deadline: { hours: 1 },
  fulfilment: { by: 'connector', connector: 'ad-house', settings: { pageUrl: 'env:AD_HOUSE_URL' } },
}

function recipient(grants: readonly Grant[]): Policy['recipients'][number] {
  const parsed = parsePolicy({
    id: 'small',
    version: '1',
    title: 'Small',
    effectiveFrom: '2026-01-01',
    calendar: { utcOffsetMinutes: 0, holidays: [] },
    evidenceMaxAgeDays: 30,
    purposes: [{ key: 'ads', title: 'Ads', clause: '3', quote: 'We show ads.', refusable: true, default: 'granted' }],
    recipients: [{ ...entry, grants }],
  })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const [one] = parsed.policy.recipients
  if (one === undefined) throw new Error('one recipient')
  return one
}

/** A connector that tells what `tell` makes of a task's identifiers; nothing where that is nothing. */
function telling(tell: (task: Task) => readonly string[], kinds: readonly string[] = ['email', 'gaid']): AnyConnector {
  return {
    descriptor: { identifiers: kinds },
    parseSettings: (settings: Record<string, unknown>) => {
      if (typeof settings.pageUrl !== 'string' || !settings.pageUrl.startsWith('https://')) throw new TypeError('an address')
      return settings
    },
    plan: (tasks: readonly Task[]) =>
      tasks.map((task) => {
        const told = tell(task)
        return told.length === 0 ? { via: 'nothing' } : { via: 'http', body: { json: told } }
      }),
    interpret: () => ({ outcomes: [] }),
  } as unknown as AnyConnector
}

const grants: readonly Grant[] = [
  { kind: 'email', form: 'plain-sha256-hex' },
  { kind: 'gaid', form: 'raw' },
]
const values = (task: Task, kind?: string) =>
  task.identifiers.filter((one) => kind === undefined || one.kind === kind).map(({ value }) => value)
const messages = async (connector: AnyConnector) =>
  (await recipientUsage(recipient(grants), ['recipients', 0], connector)).map(({ place, message }) => [
    place.in === 'policy' ? place.path.join('.') : '',
    message,
  ])

describe('what a connector does with what is granted', () => {
  it('is in order where every identifier is told, each by itself as well', async () => {
    expect(await messages(telling((task) => values(task)))).toEqual([])
  })

  it('is found out where a kind is left aside', async () => {
    expect(await messages(telling((task) => values(task, 'email')))).toEqual([
      ['recipients.0.grants.1.kind', 'recipient ad-house: is granted gaid, and its connector does nothing with it'],
    ])
    expect(await messages(telling((task) => values(task), ['email']))).toHaveLength(1)
  })

  it('is found out where only the first of several is told', async () => {
    expect(await messages(telling((task) => [...values(task, 'email').slice(0, 1), ...values(task, 'gaid')]))).toEqual([
      ['recipients.0.grants.0.kind', 'recipient ad-house: has several of email, and its connector tells of one only'],
    ])
  })

  it('is found out where a kind serves only beside another one', async () => {
    expect(await messages(telling((task) => (values(task, 'email').length === 0 ? [] : values(task))))).toEqual([
      [
        'recipients.0.grants.1.kind',
        'recipient ad-house: is granted gaid, and its connector tells nothing of somebody of whom no more is known',
      ],
    ])
  })
})
