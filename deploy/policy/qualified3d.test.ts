import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { decideChange, deliveriesFor, emptySnapshot, everyRefusal, mustBeTold, subjectIdOf } from '@heed/domain'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkPolicyFile } from './check.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const file = fileURLToPath(new URL('./qualified3d.yaml', import.meta.url))
let checked: Awaited<ReturnType<typeof checkPolicyFile>>

beforeAll(async () => {
  checked = await checkPolicyFile(file, root)
})

describe('the policy that is served', () => {
  it('parses, and nothing is wrong with it', () => {
    expect(checked.problems).toEqual([])
  })

  it('has a table that is current', () => {
    expect(readFileSync(new URL('./COVERAGE.md', import.meta.url), 'utf8')).toBe(checked.markdown)
  })

  it('has a recipient for everybody whom the prose calls by name', () => {
    const named = {
      Stripe: 'stripe',
      Paypal: 'paypal',
      LinkedIn: 'linkedin',
      Instagram: 'meta',
      Twitter: 'x',
      'Google Analytics': 'google-analytics',
      'Google Display Network': 'google-display-video',
      'DoubleClick Campaign Manager': 'campaign-manager-360',
      'Google Advertising': 'google-ads',
      'Bing Ads': 'microsoft-advertising',
    }
    for (const [name, id] of Object.entries(named)) {
      const recipient = checked.policy.recipients.find((candidate) => candidate.id === id)
      const quotations = [recipient?.quote, ...(recipient?.also ?? []).map(({ quote }) => quote)].join(' ')
      expect(quotations, id).toContain(name)
    }
  })

  it('has a recipient for each bullet of section 4', () => {
    const bullets = checked.coverage.sentences.filter(({ clause, line }) => clause === '4' && line >= 66 && line <= 73)
    expect(bullets.length).toBeGreaterThan(8)
    for (const bullet of bullets)
      expect(
        bullet.by.some(({ kind }) => kind === 'recipient' || kind === 'purpose'),
        bullet.text,
      ).toBe(true)
  })

  it('lists no secret and gives a reason for every deadline and for everybody whom nobody tells', () => {
    for (const recipient of checked.policy.recipients) {
      if (mustBeTold(recipient)) expect(recipient.deadline.why, recipient.id).toBeTruthy()
      else expect(recipient.fulfilment).toMatchObject({ reason: expect.stringMatching(/\w+ \w+/) })
    }
  })

  it('keeps every promise to a mailbox provider and every law within its bounds', () => {
    const ids = checked.policy.recipients.filter(({ purposes }) =>
      purposes.some((key) => key === 'email-marketing' || key === 'third-party-marketing'),
    )
    expect(ids.map(({ id }) => id as string)).toEqual(['mailchimp', 'select-third-parties', 'affiliates'])
    for (const { deadline } of ids) expect('hours' in deadline ? deadline.hours / 24 : deadline.businessDays).toBeLessThanOrEqual(10)
  })

  it('tells everybody who can be told of one refusal of everything, and of one topic only those who mail', () => {
    const current = emptySnapshot(subjectIdOf(new Uint8Array(16)))
    const origin = { kind: 'person', caller: 'test' } as const
    const policy = checked.policy
    const told = (requested: ReturnType<typeof everyRefusal>) => {
      const decision = decideChange({ policy, current, requested, origin, now: Date.UTC(2026, 10, 23) })
      return decision.kind === 'changed' ? deliveriesFor(policy, decision.change).map(({ recipientId }) => recipientId as string) : []
    }
    expect(told(everyRefusal(policy))).toEqual(policy.recipients.filter(mustBeTold).map(({ id }) => id))
    const newsletter = policy.purposes[0]?.topics[0]?.key
    expect(newsletter === undefined ? [] : told([{ key: newsletter, choice: 'denied' }])).toEqual(['mailchimp', 'affiliates'])
  })

  it('counts business days for some years ahead', () => {
    const { holidays } = checked.policy.calendar
    expect(holidays).toHaveLength(33)
    expect([...holidays].sort()).toEqual(holidays)
    for (const day of holidays) expect([0, 6], day).not.toContain(new Date(`${day}T00:00:00Z`).getUTCDay())
  })
})
