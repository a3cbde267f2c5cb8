import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub } from './test-hub.ts'

/** A person who exists nowhere else: whatever holds one of these texts has let personal data out. */
const canary = {
  email: 'canary.zebra.7f3a@example.org',
  second: 'canary.heron.7f3a@example.com',
  phone: '+4915112340987',
  userId: 'canary-user-7f3a',
  name: 'canary.zebra',
}

let test: TestHub
let token: string
let errors: string
/** The pages of good links: they hold the token that they were asked with, and nobody's name. */
let pages: string

beforeAll(async () => {
  test = await startTestHub()
  const { preferences } = test.clients
  const { mailchimp, hashedEmail } = test.sandbox
  errors = ''
  pages = ''
  const failing = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      (error: Error & { violations?: unknown }) => {
        errors += `${error.stack ?? ''} ${JSON.stringify(error.violations ?? '')}`
      },
    )

  mailchimp.control.seedMember('l-marketing', canary.email)
  hashedEmail.control.know([canary.email])
  const subject = { identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value: canary.email } }
  await preferences.linkIdentifiers({
    requestId: 'canary-link',
    subject,
    identifiers: [
      { kind: 'IDENTIFIER_KIND_EMAIL', value: canary.second },
      { kind: 'IDENTIFIER_KIND_PHONE', value: canary.phone },
      { kind: 'IDENTIFIER_KIND_USER_ID', value: canary.userId },
    ],
    origin: 'ORIGIN_KIND_INTERNAL_SERVICE',
  })
  // the vendor quotes the person's address in its refusals
  mailchimp.control.misbehave({ kind: 'poison', match: { address: canary.email }, count: 1 })
  mailchimp.control.misbehave({ kind: 'rate-limited', count: 1 })
  await test.optOut(canary.email, ['email-marketing', 'third-party-marketing', 'cross-device-linking'])
  const { links } = await preferences.createUnsubscribeLinks({ purpose: 'email-marketing/newsletter', subjects: [subject] })
  token = links[0]?.url.split('/').at(-1) ?? ''
  for (const [method, path] of [
    ['GET', token],
    ['POST', token],
    ['POST', `${token.slice(0, -1)}x`],
    ['GET', encodeURIComponent(canary.email)],
  ] as const) {
    const { body } = await request(`${test.hub.addresses.edge}/v1/u/${path}`, { method })
    if (path === token) pages += await body.text()
    else errors += await body.text()
  }
  // input that is refused holds the person too
  await failing(preferences.setPreferences({ requestId: canary.email, subject, choices: [], origin: 'ORIGIN_KIND_PERSON' }))
  await failing(
    preferences.setPreferences({
      requestId: 'c-1',
      subject: { identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: `${canary.name} <${canary.email}>` } },
      choices: [{ purpose: canary.name, choice: 'CHOICE_DENIED' }],
    }),
  )
  await failing(
    preferences.setPreferences({
      requestId: 'c-2',
      subject: { identifier: { kind: 'IDENTIFIER_KIND_PHONE', value: `tel:${canary.phone}` } },
      choices: [{ purpose: 'analytics', choice: 'CHOICE_DENIED' }],
    }),
  )
  await failing(preferences.getPreferences({ subject: { identifier: { kind: 'IDENTIFIER_KIND_BROWSER_ID', value: canary.userId } } }))
  await failing(test.clients.propagation.pauseRecipient({ recipientId: 'mailchimp', reason: `asked by ${canary.email}` }))
  await failing(test.clients.propagation.redeliver({ subjectId: canary.email, recipientIds: [], reason: 'x' }))
  await failing(test.clients.audit.listSubjectTimeline({ subjectId: canary.email }))
  test.clock.turn(30 * 60_000)
  await test.hub.settle()
})
afterAll(() => test.stop())

const secrets = () => [
  canary.email,
  canary.second,
  canary.phone,
  canary.phone.slice(1),
  canary.userId,
  canary.name,
  canary.second.split('@')[0] ?? '',
  token,
  token.split('.')[2] ?? '',
]
const leaks = (text: string) => secrets().filter((secret) => text.toLowerCase().includes(secret.toLowerCase()))

describe('a planted person', () => {
  it('is at the vendors, so that there was something to leak', () => {
    expect(test.sandbox.mailchimp.control.person({ address: canary.email })).toHaveLength(1)
    expect(test.sandbox.hashedEmail.control.person({ address: canary.email }).some(({ suppressed }) => suppressed)).toBe(true)
    expect(token.length).toBeGreaterThan(60)
  })

  it('is in no log line', () => {
    expect(test.log().length).toBeGreaterThan(10_000)
    expect(leaks(test.log())).toEqual([])
  })

  it('is in no record of any topic', async () => {
    let bytes = ''
    await test.hub.kafka.replay({
      topics: new RegExp(`^${test.hub.topicPrefix}\\.`),
      from: 'start',
      handle: async ({ topic, records }) => {
        for (const { key, value, headers } of records) bytes += `${topic} ${key} ${value?.toString() ?? ''} ${JSON.stringify(headers)}\n`
      },
    })
    expect(bytes.split('\n').length).toBeGreaterThan(20)
    expect(leaks(bytes)).toEqual([])
  })

  it('is in no metric', async () => {
    const text = await test.hub.metrics.read()
    expect(text).toContain('heed_')
    expect(leaks(text)).toEqual([])
  })

  it('is in no error text and no page', () => {
    expect(errors.length).toBeGreaterThan(1_000)
    expect(leaks(errors)).toEqual([])
    expect(leaks(pages.replaceAll(token, ''))).toEqual([])
  })

  it.each(['audit', 'propagation', 'connector_mailchimp', 'connector_hashed-email'])('is not in the database of %s', async (room) => {
    const database = test.hub.mongo.database(`${test.hub.dbPrefix}_${room}`)
    const collections = (await database.listCollections()).map(({ name }) => name)
    let text = ''
    for (const name of collections) text += JSON.stringify(await database.collection(name).find({}).toArray())
    expect(collections.length).toBeGreaterThan(0)
    expect(leaks(text)).toEqual([])
  })

  it('stands sealed, never in clear, in the database of preferences', async () => {
    const database = test.hub.mongo.database(`${test.hub.dbPrefix}_preferences`)
    let text = ''
    for (const { name } of await database.listCollections()) text += JSON.stringify(await database.collection(name).find({}).toArray())
    expect(text).toContain('s-')
    expect(leaks(text)).toEqual([])
  })
})
