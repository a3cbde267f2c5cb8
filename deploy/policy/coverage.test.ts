import { type Claim, type Fulfilment, type Policy, parsePolicy, type Recipient } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import { connectorKinds, erasingKinds } from './connector-kinds.ts'
import { type CoverageProblem, checkCoverage, claimedSections } from './coverage.ts'
import { coverageMarkdown, recipientRows } from './coverage-table.ts'
import { readProse } from './prose.ts'

const proseText = `A policy
1. WHAT WE COLLECT
We collect a name.
2. COOKIES
There are cookies.
3. ADS
We show ads. An ad house helps.
4. SHARING
- Mailers: They mail for us.
5. CHOICES
You can stop the mail. You cannot stop
receipts.
6. STORAGE
We store it.
7. CHILDREN
We know no child.
8. CALIFORNIA
You may ask.`

function claim(clause: string, quote: string): Claim {
  return { clause, quote, reason: 'Nobody holds anything because of it.' }
}

const connector = (name: string, settings: Record<string, unknown> = {}): Fulfilment => ({ by: 'connector', connector: name, settings })

function parsed(document: unknown): Policy {
  const result = parsePolicy(document)
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.policy
}

const right = parsed({
  id: 'small',
  version: '1',
  title: 'Small',
  effectiveFrom: '2026-01-01',
  calendar: { utcOffsetMinutes: 0, holidays: [] },
  evidenceMaxAgeDays: 30,
  purposes: [
    { key: 'mail', title: 'Mail', clause: '5', quote: 'You can stop the mail.', refusable: true, default: 'granted' },
    { key: 'ads', title: 'Ads', clause: '3', quote: 'We show ads.', refusable: true, default: 'granted' },
  ],
  recipients: [
    {
      id: 'mailer',
      title: 'Mailer',
      role: 'processor',
      clause: '4',
      quote: '  Mailers: They mail\n for us. ',
      purposes: ['mail'],
      grants: [{ kind: 'email', form: 'raw' }],
      deadline: { hours: 24, why: 'a rule' },
      erasure: { hours: 72 },
      fulfilment: connector('mailchimp', { credential: 'env:MAIL_KEY', nested: [{ token: 'file:/run/secrets/token' }] }),
    },
    {
      id: 'ad-house',
      title: 'Ad house',
      role: 'controller',
      clause: '3',
      quote: 'An ad house helps.',
      purposes: ['ads'],
      grants: [{ kind: 'email', form: 'plain-sha256-hex' }],
      deadline: { businessDays: 1 },
      fulfilment: connector('hashed-email', { hashProfile: 'plain-sha256-hex' }),
    },
  ],
  claims: [
    claim('1', 'We collect a name.'),
    claim('2', 'There are cookies.'),
    claim('5', 'You cannot stop'),
    claim('5', 'receipts.'),
    claim('7', 'We know no child.'),
    claim('8', 'You may ask.'),
  ],
})

interface Changed {
  readonly policy?: Policy
  readonly prose?: string
  readonly built?: readonly string[]
}

function problemsOf({ policy = right, prose = proseText, built = ['mailchimp', 'hashed-email'] }: Changed): readonly string[] {
  return found({ policy, prose, built }).map(({ message }) => message)
}

function found({ policy = right, prose = proseText, built = ['mailchimp', 'hashed-email'] }: Changed): readonly CoverageProblem[] {
  return checkCoverage({ policy, prose: readProse(prose), kinds: connectorKinds, erasing: erasingKinds, built }).problems
}

const withClaims = (claims: readonly Claim[]): Policy => ({ ...right, claims })
const withRecipient = (change: Partial<Recipient>): Policy => ({
  ...right,
  recipients: right.recipients.map((recipient) => (recipient.id === 'ad-house' ? { ...recipient, ...change } : recipient)),
})

describe('the coverage check', () => {
  it('finds nothing where every sentence is quoted and every grant can be used', () => {
    expect(problemsOf({})).toEqual([])
  })

  it('says who claims each sentence', () => {
    const { sentences } = checkCoverage({
      policy: right,
      prose: readProse(proseText),
      kinds: connectorKinds,
      erasing: erasingKinds,
      built: [],
    })
    expect(sentences.filter(({ clause }) => clause === '3').map(({ by }) => by)).toEqual([
      [{ kind: 'purpose', id: 'ads' }],
      [{ kind: 'recipient', id: 'ad-house' }],
    ])
  })

  it('finds a sentence that nobody claims, with its section and line', () => {
    expect(problemsOf({ policy: withClaims((right.claims ?? []).slice(1)) })).toEqual([
      'section 1: no purpose, recipient or claim quotes “We collect a name.”',
    ])
    expect(problemsOf({ prose: proseText.replace('We show ads.', 'We show ads. We sell all to Brokers Ltd.') })).toEqual([
      'section 3: no purpose, recipient or claim quotes “We sell all to Brokers Ltd.”',
    ])
    expect(problemsOf({ prose: proseText.replace('- Mailers', '- Data brokers\n- Mailers') })).toHaveLength(1)
  })

  it('says of each problem where it is to be mended', () => {
    const places = (changed: Changed) => found(changed).map(({ place }) => place)
    expect(places({ policy: withClaims((right.claims ?? []).slice(1)) })).toEqual([{ in: 'prose', line: 3, column: 1 }])
    expect(places({ prose: proseText.replace('We show ads.', 'We show ads. We sell all.') })).toEqual([
      { in: 'prose', line: 7, column: 14 },
    ])
    expect(places({ policy: withRecipient({ also: [{ clause: '3', quote: 'We show nothing.' }] }) })).toEqual([
      { in: 'policy', path: ['recipients', 1, 'also', 0, 'quote'] },
    ])
    const settings = { lists: [{ apiKey: 'hunter2' }], hashProfile: 'sha256' }
    expect(places({ policy: withRecipient({ fulfilment: connector('hashed-email', settings) }) })).toEqual([
      { in: 'policy', path: ['recipients', 1, 'fulfilment', 'settings', 'hashProfile'] },
      { in: 'policy', path: ['recipients', 1, 'fulfilment', 'settings', 'lists', 0, 'apiKey'] },
    ])
    const grants = [...(right.recipients[1]?.grants ?? []), { kind: 'phone' as const, form: 'raw' }]
    expect(places({ policy: withRecipient({ grants }) })).toEqual([{ in: 'policy', path: ['recipients', 1, 'grants', 1, 'kind'] }])
  })

  it('asks no claim of the sections that speak of other things', () => {
    expect(problemsOf({ prose: proseText.replace('We store it.', 'We store it. For long.') })).toEqual([])
  })

  it.each(claimedSections)('finds that section %s was taken out of the prose', (section) => {
    const lines = proseText.split('\n')
    const start = lines.findIndex((line) => line.startsWith(`${section}. `))
    const without = lines.filter((_, index) => index !== start).join('\n')
    expect(problemsOf({ prose: without })).toContain(`the prose has no section ${section}`)
  })

  it('finds a quotation that the prose does not have, word for word', () => {
    expect(problemsOf({ policy: withRecipient({ quote: 'An ad house assists.' }) })).toEqual([
      'recipient ad-house: the prose does not say in section 3: “An ad house assists.”',
      'section 3: no purpose, recipient or claim quotes “An ad house helps.”',
    ])
  })

  it('finds a quotation that stands in another section', () => {
    expect(problemsOf({ policy: withRecipient({ clause: '4' }) })[0]).toBe(
      'recipient ad-house: the quotation stands in section 3, not in 4: “An ad house helps.”',
    )
  })

  it('finds a quotation that leaves out part of a sentence, where the rest could say anything', () => {
    expect(problemsOf({ policy: withRecipient({ quote: 'An ad house' }) })[0]).toContain('cuts through a sentence of section 3')
  })

  it('finds a wrong quotation among the further ones as well', () => {
    expect(problemsOf({ policy: withRecipient({ also: [{ clause: '3', quote: 'We show nothing.' }] }) })).toEqual([
      'recipient ad-house: the prose does not say in section 3: “We show nothing.”',
    ])
  })

  it('finds a connector that does not exist', () => {
    for (const name of ['hashed-mail', 'constructor']) {
      expect(problemsOf({ policy: withRecipient({ fulfilment: connector(name) }) })[0]).toContain(
        `no connector is called "${name}"; there are mailchimp,`,
      )
    }
  })

  it('finds a connector that is known and that nobody has built', () => {
    expect(problemsOf({ built: ['mailchimp'] })).toEqual([
      'recipient ad-house: connector hashed-email has no workspace under services/connectors; its deliveries would wait for ever',
    ])
  })

  it('finds a clock for erasure where the kind cannot erase, and the lack of one where it can', () => {
    expect(problemsOf({ policy: withRecipient({ erasure: { hours: 1 } }) })).toEqual([
      'recipient ad-house: has a clock for erasure, and a hashed-email connector cannot erase',
    ])
    const [mailer, adHouse] = right.recipients
    if (mailer === undefined || adHouse === undefined) throw new Error('two recipients are expected')
    const { erasure: _, ...without } = mailer
    expect(problemsOf({ policy: { ...right, recipients: [without, adHouse] } })).toEqual([
      'recipient mailer: a mailchimp connector can erase: give it a clock for erasure',
    ])
  })

  it('knows that whether a partner can erase hangs on how it is reached', () => {
    const fulfilment = { by: 'connector', connector: 'hashed-email', settings: { transport: 'liveramp' } } as const
    expect(problemsOf({ policy: withRecipient({ fulfilment }) })).toEqual([
      'recipient ad-house: a hashed-email connector can erase: give it a clock for erasure',
    ])
    expect(problemsOf({ policy: withRecipient({ fulfilment, erasure: { hours: 1 } }) })).toEqual([])
  })

  it('finds a workspace that no recipient uses, and one that is no known kind', () => {
    expect(problemsOf({ built: ['mailchimp', 'hashed-email', 'x-ads', 'carrier-pigeon'] })).toEqual([
      'connector x-ads: no recipient of the policy uses it',
      'connector carrier-pigeon: it stands under services/connectors and is no known kind',
    ])
  })

  it('finds an identifier that the kind of connector does not use', () => {
    const grants = [...(right.recipients[1]?.grants ?? []), { kind: 'phone' as const, form: 'raw' }]
    expect(problemsOf({ policy: withRecipient({ grants }) })).toEqual([
      'recipient ad-house: is granted phone, which a hashed-email connector does not use',
    ])
  })

  it('finds a form that the kind of connector does not take', () => {
    const policy = withRecipient({ fulfilment: connector('microsoft-ads'), grants: [{ kind: 'email', form: 'raw' }] })
    expect(problemsOf({ policy, built: ['mailchimp', 'microsoft-ads'] })).toEqual([
      'recipient ad-house: is granted email as raw; a microsoft-ads connector takes plain-sha256-hex',
    ])
  })

  it('finds a hash profile that is unknown, and one that is not the form granted', () => {
    expect(problemsOf({ policy: withRecipient({ fulfilment: connector('hashed-email', { hashProfile: 'sha256' }) }) })).toEqual([
      'recipient ad-house: the hash profile in its settings is unknown',
    ])
    expect(problemsOf({ policy: withRecipient({ fulfilment: connector('hashed-email', { hashProfile: 'uid2-sha256-b64' }) }) })).toEqual([
      'recipient ad-house: its settings want e-mail as uid2-sha256-b64, and that form is not granted',
    ])
  })

  it('finds a secret that stands in the file, at any depth, and does not repeat it', () => {
    const settings = { credential: 'hunter2', accounts: [{ apiKey: 'hunter2', refreshToken: 7 }], password: 'env:lower', username: 'heed' }
    const lines = problemsOf({ policy: withRecipient({ fulfilment: connector('hashed-email', settings) }) })
    expect(lines.map((line) => /setting (\S+) /.exec(line)?.[1])).toEqual([
      'credential',
      'accounts.0.apiKey',
      'accounts.0.refreshToken',
      'password',
    ])
    expect(lines.join()).not.toContain('hunter2')
  })

  it('wants a reference for each part of a group of secrets', () => {
    const settings = { credentials: { key: 'env:KEY', pair: { left: 'file:/run/left', right: 'hunter2' }, id: 7 } }
    const lines = problemsOf({ policy: withRecipient({ fulfilment: connector('hashed-email', settings) }) })
    expect(lines.map((line) => /setting (\S+) /.exec(line)?.[1])).toEqual(['credentials.pair.right', 'credentials.id'])
  })

  it('finds a purpose that can be refused although nobody would be told', () => {
    const policy = withRecipient({ fulfilment: { by: 'nobody', reason: 'None.' }, grants: [] })
    expect(problemsOf({ policy, built: ['mailchimp'] })).toEqual([
      'purpose ads: it can be refused, and no recipient that is told serves it',
    ])
  })
})

describe('the table', () => {
  it('has a row for each recipient, from the sentence to the connector', () => {
    expect(recipientRows(right)[0]).toEqual({
      clause: '4',
      sentence: 'Mailers: They mail for us.',
      purposes: ['mail'],
      recipient: 'mailer',
      title: 'Mailer',
      role: 'processor',
      identifiers: ['email (raw)'],
      deadline: '24 hours',
      erasure: '72 hours',
      toldBy: 'connector mailchimp',
      why: 'a rule',
    })
    expect(recipientRows(right)[1]).toMatchObject({ deadline: '1 business day', erasure: 'cannot' })
    expect(recipientRows(withRecipient({ fulfilment: { by: 'nobody', reason: 'None.' } }))[1]).toMatchObject({
      deadline: 'none',
      toldBy: 'nobody',
      why: 'None.',
    })
  })

  it('shows a sentence that nobody claims, and keeps its columns whatever the prose says', () => {
    const policy = withClaims([])
    const coverage = checkCoverage({
      policy,
      prose: readProse(proseText.replace('a name', 'a | b')),
      kinds: connectorKinds,
      erasing: erasingKinds,
      built: [],
    })
    const markdown = coverageMarkdown(policy, coverage.sentences)
    expect(markdown).toContain('| 1 | 3 | We collect a \\| b. | **nobody** |')
  })
})

describe('every kind of connector', () => {
  it('takes forms that exist for that identifier', () => {
    for (const [name, usable] of Object.entries(connectorKinds)) {
      for (const [kind, forms] of Object.entries(usable)) {
        for (const form of forms) {
          const grants = [{ kind, form }]
          const recipients = [{ ...right.recipients[0], grants }]
          expect(parsePolicy({ ...right, recipients }), `${name} ${kind} ${form}`).toMatchObject({ ok: true })
        }
      }
    }
  })
})
