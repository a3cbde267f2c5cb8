import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub } from './test-hub.ts'

let test: TestHub
beforeAll(async () => {
  test = await startTestHub()
})
afterAll(() => test.stop())

const mailchimpStatus = (address: string) => test.sandbox.mailchimp.control.person({ address }).map(({ status }) => status)
const suppressedBy = (address: string) =>
  test.sandbox.hashedEmail.control
    .person({ address })
    .filter(({ suppressed }) => suppressed)
    .map(({ partner }) => partner)
const states = (status: Awaited<ReturnType<TestHub['settled']>>) =>
  Object.fromEntries(status.deliveries.map(({ recipientId, state }) => [recipientId, state.replace('DELIVERY_STATE_', '').toLowerCase()]))

describe('an opt-out over gRPC', () => {
  it('reaches every recipient that has a connector', async () => {
    test.sandbox.mailchimp.control.seedMember('l-marketing', 'ada@example.org')
    const change = await test.optOut('ada@example.org', ['email-marketing', 'third-party-marketing', 'cross-device-linking'])
    const status = await test.settled(change.changeId)
    expect(states(status)).toMatchObject({
      mailchimp: 'confirmed',
      'select-third-parties': 'confirmed',
      'cross-device-partners': 'confirmed',
      affiliates: 'confirmed',
    })
    expect(mailchimpStatus('ada@example.org')).toEqual(['unsubscribed'])
    expect(suppressedBy('ada@example.org').sort()).toEqual(['heed-cross-device', 'heed-select-partners'])
    expect(status.deliveries.find(({ recipientId }) => recipientId === 'affiliates')).toMatchObject({ settled: true })
  })

  it('is in the trail step by step, each step once', async () => {
    const change = await test.optOut('bob@example.org')
    await test.settled(change.changeId)
    await test.hub.settle()
    const { entries } = await test.clients.audit.listSubjectTimeline({ subjectId: change.subjectId, pageSize: 100 })
    const kinds = entries.map(({ kind, recipientId }) => `${kind} ${recipientId}`.trim())
    for (const kind of ['change-accepted', 'delivery-requested mailchimp', 'disclosure-made mailchimp', 'delivery-attempted mailchimp'])
      expect(kinds).toContain(kind)
    expect(new Set(entries.map(({ sequence }) => sequence)).size).toBe(entries.length)
    expect(JSON.stringify(entries)).not.toContain('@')
  })

  it('that is repeated with the same request id changes nothing, and with another body is refused', async () => {
    const body = {
      subject: { identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value: 'cy@example.org' } },
      choices: [{ purpose: 'analytics', choice: 'CHOICE_DENIED' as const }],
      origin: 'ORIGIN_KIND_PERSON' as const,
    }
    const first = await test.clients.preferences.setPreferences({ requestId: 'once', ...body })
    const again = await test.clients.preferences.setPreferences({ requestId: 'once', ...body })
    expect(again).toEqual(first)
    await expect(
      test.clients.preferences.setPreferences({
        requestId: 'once',
        ...body,
        choices: [{ purpose: 'email-marketing', choice: 'CHOICE_DENIED' }],
      }),
    ).rejects.toMatchObject({ code: 6 })
  })
})

describe('an opt-in', () => {
  it('with fresh evidence reaches the recipients, and one without changes nothing', async () => {
    test.sandbox.mailchimp.control.seedMember('l-marketing', 'dee@example.org')
    await test.settled((await test.optOut('dee@example.org')).changeId)
    expect(mailchimpStatus('dee@example.org')).toEqual(['unsubscribed'])
    await expect(
      test.clients.preferences.setPreferences({
        requestId: 'no-evidence',
        subject: { identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: 'dee@example.org' } },
        choices: [{ purpose: 'email-marketing', choice: 'CHOICE_GRANTED' }],
        origin: 'ORIGIN_KIND_PERSON',
      }),
    ).rejects.toMatchObject({ code: 3 })
    await test.settled((await test.optIn('dee@example.org')).changeId)
    expect(mailchimpStatus('dee@example.org')).toEqual(['subscribed'])
    expect(suppressedBy('dee@example.org')).toEqual([])
  })
})

describe('the link of a mail', () => {
  it('unsubscribes with one click, from that topic only, and a second click changes nothing', async () => {
    test.sandbox.mailchimp.control.seedMember('l-marketing', 'eve@example.org', 'subscribed', {
      interests: { newsletter: true, offers: true },
    })
    const { links } = await test.clients.preferences.createUnsubscribeLinks({
      purpose: 'email-marketing/newsletter',
      subjects: [{ identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: 'eve@example.org' } }],
    })
    const [link] = links
    if (link === undefined) throw new Error('a link')
    expect(link.listUnsubscribePost).toBe('List-Unsubscribe=One-Click')
    const click = async () => {
      const { statusCode, body } = await request(link.url, {
        method: 'POST',
        body: 'List-Unsubscribe=One-Click',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      expect([statusCode, await body.text()]).toEqual([200, ''])
    }
    await click()
    await test.settled(`${link.subjectId}/1`)
    expect(test.sandbox.mailchimp.control.person({ address: 'eve@example.org' })).toMatchObject([
      { status: 'subscribed', interests: { newsletter: false, offers: true } },
    ])
    await click()
    await test.hub.edge.settle()
    const { version } = await test.clients.preferences.getPreferences({ subject: { subjectId: link.subjectId } })
    expect(version).toBe(1)
  })

  it('pressed a hundred times, one after the other and all at once, is one change', async () => {
    const { links } = await test.clients.preferences.createUnsubscribeLinks({
      purpose: 'email-marketing',
      subjects: ['gus@example.org', 'hal@example.org'].map((value) => ({ identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value } })),
    })
    const [first, second] = links
    if (first === undefined || second === undefined) throw new Error('two links')
    const click = async (url: string) => {
      const { statusCode, body } = await request(url, { method: 'POST', body: 'List-Unsubscribe=One-Click' })
      await body.dump()
      expect(statusCode).toBe(200)
    }
    for (let count = 0; count < 100; count += 1) await click(first.url)
    await Promise.all(Array.from({ length: 100 }, () => click(second.url)))
    await test.hub.settle()
    for (const { subjectId } of [first, second]) {
      expect((await test.clients.preferences.getPreferences({ subject: { subjectId } })).version).toBe(1)
      const { entries } = await test.clients.audit.listSubjectTimeline({ subjectId, pageSize: 500 })
      const kinds = entries.map(({ kind }) => kind)
      // one event; each click is evidence of its own
      expect(kinds.filter((kind) => kind === 'change-accepted')).toHaveLength(1)
      expect(kinds.filter((kind) => kind === 'link-used')).toHaveLength(100)
    }
  })

  it('that was only looked at, a hundred times, changes nothing', async () => {
    const { links } = await test.clients.preferences.createUnsubscribeLinks({
      purpose: 'email-marketing',
      subjects: [{ identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: 'fay@example.org' } }],
    })
    const url = links[0]?.url ?? ''
    for (let count = 0; count < 100; count += 1) {
      const { statusCode, body } = await request(url, { method: count % 2 === 0 ? 'GET' : 'HEAD' })
      await body.dump()
      expect(statusCode).toBe(200)
    }
    expect((await test.clients.preferences.getPreferences({ subject: { subjectId: links[0]?.subjectId ?? '' } })).version).toBe(0)
  })
})

describe('who may do what', () => {
  it('is refused without a key, with an unknown key, and with one that lacks the scope', async () => {
    const { connectClients } = await import('@heed/cli')
    for (const [key, code] of [
      ['heed_nobody_x', 16],
      [test.hub.keys.edge, 7],
    ] as const) {
      const clients = connectClients({ ...test.hub.addresses, key, mongoUri: undefined, dbPrefix: '' })
      await expect(
        clients.preferences.getPreferences({ subject: { identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: 'ada@example.org' } } }),
      ).rejects.toMatchObject({ code })
      clients.close()
    }
  })
})
