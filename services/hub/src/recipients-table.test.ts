import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { RecipientRow } from './recipient-rows.ts'
import { afterText, plainInk, recipientsTable, tallyText } from './recipients-table.ts'

const row = (more: Partial<RecipientRow>): RecipientRow => ({
  recipientId: 'mailchimp',
  title: 'Mailchimp, our mail provider',
  act: 'unsubscribed',
  tone: 'done',
  state: 'confirmed',
  afterMs: 812,
  ended: true,
  why: '',
  ...more,
})
const long = row({
  recipientId: 'service-providers',
  title: 'Service providers and advisors: tax, accounting, hosting, fulfilment, data enhancement and others',
  act: 'taken off audiences',
  tone: 'waiting',
  state: 'waiting',
  afterMs: 3_200,
  ended: false,
  why: 'recipient unavailable,\n unavailable.never-sent, and then a reason that is far too long for any terminal whatsoever to show in one line',
})

describe('the table of recipients', () => {
  it.each([60, 80, 120])('is never wider than a terminal of %i columns, and has one line a recipient', (columns) => {
    const lines = recipientsTable([row({}), long, long], columns).split('\n')
    expect(lines).toHaveLength(5)
    for (const line of lines) expect(line.length).toBeLessThan(columns)
  })

  it('cuts what does not fit, and says so', () => {
    const [, line = ''] = recipientsTable([long], 80).split('\n')
    expect(line).toMatch(/^Service provid.*… +taken off.* waiting +3 s… +recip.*…$/)
  })

  it('shows more where there is more room', () => {
    expect(recipientsTable([row({})], 80)).not.toContain('Mailchimp, our mail provider')
    expect(recipientsTable([row({})], 120)).toContain('Mailchimp, our mail provider')
  })

  it('colours the state by how much is known, and is as wide in colour', () => {
    const coloured = (text: string) => `\u001b[32m${text}\u001b[39m`
    const ink = { ...plainInk, of: { ...plainInk.of, done: coloured } }
    const table = recipientsTable([row({})], 80, ink)
    expect(table).toContain('\u001b[32mconfirmed\u001b[39m')
    expect(stripVTControlCharacters(table)).toBe(recipientsTable([row({})], 80))
  })

  it('never counts a request that was taken among those that are confirmed', () => {
    const rows = [row({}), row({ tone: 'taken' }), row({ tone: 'person' }), row({ tone: 'nobody' }), long]
    expect(tallyText(rows)).toBe(
      '1 confirmed by the recipient · 1 taken by one that says no more · 1 open · 1 with a person · 1 nobody has to be told',
    )
  })

  it('says how long it took, or how long it has waited in whole seconds', () => {
    expect(afterText({ afterMs: 812, ended: true })).toBe('812 ms')
    expect(afterText({ afterMs: 3_812, ended: false })).toBe('3 s…')
    expect(afterText({ afterMs: 400, ended: false })).toBe('…')
    expect(afterText({ afterMs: undefined, ended: true })).toBe('')
  })
})
