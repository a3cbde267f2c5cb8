import { checkUnsubscribeToken } from '@heed/contracts'
import type { UnsubscribeLinkUse } from '@heed/contracts/gen/heed/preferences/v1/UnsubscribeLinkUse.ts'
import { status } from '@heed/platform/grpc'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { anOptIn, anOptOut, byEmail, type Harness, startHarness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness({
    mongoUri: inject('mongoUri'),
    kafkaBrokers: inject('kafkaBrokers').split(','),
    withoutRelay: true,
    callers: { edge: ['links:use', 'policy:read'] },
  })
})
afterAll(() => harness.stop())

const newsletter = 'email-marketing/newsletter'
let counter = 0

async function linkFor(email: string, purpose = newsletter) {
  const { links } = await harness.client.createUnsubscribeLinks({ purpose, subjects: [byEmail(email)] })
  const [link] = links
  if (link === undefined) throw new Error('no link')
  const text = link.url.split('/').at(-1) ?? ''
  const checked = checkUnsubscribeToken(text, harness.keys.links)
  if (checked === undefined) throw new Error('the token does not check')
  return { link, checked }
}

const click = (checked: Awaited<ReturnType<typeof linkFor>>['checked'], change: Partial<UnsubscribeLinkUse> = {}): UnsubscribeLinkUse => ({
  linkRef: checked.token.linkRef,
  scope: checked.token.scope,
  method: 'ORIGIN_KIND_ONE_CLICK',
  tokenFingerprint: checked.fingerprint,
  keyId: checked.key.id,
  usedAt: { seconds: 1_700_000_000, nanos: 0 },
  requestId: `click-${++counter}`,
  ...change,
})

describe('CreateUnsubscribeLinks', () => {
  it('gives header values ready to paste, whose token names the person and what the mail was about', async () => {
    const { link, checked } = await linkFor('mail@example.org')
    expect(checked.token.scope).toBe(newsletter)
    expect(link).toMatchObject({
      url: expect.stringMatching(/^https:\/\/u\.example\.com\/v1\/u\/v1\.l1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/),
      listUnsubscribe: `<${link.url}>`,
      listUnsubscribePost: 'List-Unsubscribe=One-Click',
    })
    expect(link.url.length).toBeLessThan(200)
  })

  it('makes a subject of whoever nobody knows, once, and finds it again', async () => {
    const first = await linkFor('unknown@example.org')
    const second = await linkFor('Unknown@example.org')
    expect(second.link.subjectId).toBe(first.link.subjectId)
    expect(second.checked.token.linkRef).toBe(first.checked.token.linkRef)
  })

  it('serves ten thousand people in one call, in their order', async () => {
    const subjects = Array.from({ length: 10_000 }, (_, n) => byEmail(`bulk-${n % 9_000}@example.org`))
    const { links } = await harness.client.createUnsubscribeLinks({ purpose: newsletter, subjects })
    expect(links).toHaveLength(10_000)
    expect(new Set(links.map(({ subjectId }) => subjectId)).size).toBe(9_000)
    expect(links[9_500]?.subjectId).toBe(links[500]?.subjectId)
    expect((await linkFor('bulk-77@example.org')).link.subjectId).toBe(links[77]?.subjectId)
  })

  it.each([
    ['service-email', 'NOT_REFUSABLE'],
    ['nonsense', 'UNKNOWN_PURPOSE'],
  ])('makes none for %s', async (purpose, reason) => {
    await expect(harness.client.createUnsubscribeLinks({ purpose, subjects: [byEmail('a@example.org')] })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      reason,
      violations: [{ field: 'purpose' }],
    })
  })

  it('makes none where one of the people is a subject that does not exist', async () => {
    await expect(
      harness.client.createUnsubscribeLinks({
        purpose: newsletter,
        subjects: [byEmail('a@example.org'), { subjectId: `s-${'0'.repeat(26)}` }],
      }),
    ).rejects.toMatchObject({ code: status.NOT_FOUND, violations: [{ field: 'subjects[1]' }] })
  })
})

describe('UseUnsubscribeLinks', () => {
  const usesOf = async (subjectId: string) => {
    const rows = await harness.app.store.acts.find({ type: 'heed.link.used.v1', 'uses.subjectId': subjectId as never }).toArray()
    return rows
      .flatMap((row) => (row.type === 'heed.link.used.v1' ? row.uses.map((one) => ({ by: row.by, ...one })) : []))
      .filter((one) => one.subjectId === subjectId)
  }
  const use = (...uses: UnsubscribeLinkUse[]) => harness.clientOf('edge').useUnsubscribeLinks({ uses })

  it('denies what the link stands for, and no more', async () => {
    const { link, checked } = await linkFor('topic@example.org')
    expect(await use(click(checked))).toMatchObject({ results: [{ result: 'LINK_USE_CHANGED', changeId: `${link.subjectId}/1` }] })
    const { chosen } = await harness.client.getPreferences({ subject: byEmail('topic@example.org') })
    expect(chosen.map(({ purpose, choice }) => [purpose, choice])).toEqual([[newsletter, 'CHOICE_DENIED']])
  })

  it('denies every promotional mail for the scope "all"', async () => {
    const { checked } = await linkFor('all@example.org')
    await use(click(checked, { scope: 'all', method: 'ORIGIN_KIND_PREFERENCE_PAGE' }))
    expect(await harness.client.checkPermission({ subject: byEmail('all@example.org'), purpose: newsletter })).toMatchObject({
      allowed: false,
      reason: 'PERMISSION_REASON_DENIED',
    })
  })

  it('takes the same click once, however often it is sent, and says the same again', async () => {
    const { link, checked } = await linkFor('thrice@example.org')
    const same = click(checked)
    const first = await use(same)
    await harness.client.setPreferences(anOptIn('back-1', 'thrice@example.org', Date.now() + 60_000, 'email-marketing'))
    expect(await Promise.all([use(same), use(same, same)])).toEqual([first, { results: [...first.results, ...first.results] }])
    expect(await harness.app.store.changes.countDocuments({ subjectId: link.subjectId as never })).toBe(2)
    expect(new Set((await usesOf(link.subjectId)).map(({ actId }) => actId)).size).toBe(1)
  })

  it('says unchanged where it was denied before, and records the click all the same', async () => {
    const { link, checked } = await linkFor('denied@example.org')
    await harness.client.setPreferences(anOptOut('denied-1', 'denied@example.org', newsletter))
    expect(await use(click(checked))).toMatchObject({ results: [{ result: 'LINK_USE_UNCHANGED', changeId: `${link.subjectId}/1` }] })
    expect(await usesOf(link.subjectId)).toMatchObject([
      {
        by: 'edge',
        method: 'one-click',
        tokenFingerprint: checked.fingerprint,
        keyId: 'l1',
        at: new Date(1_700_000_000_000),
      },
    ])
  })

  it('finds the person behind a link that was made before two subjects became one', async () => {
    await harness.client.setPreferences(anOptOut('merge-1', 'merge-1@example.org', 'analytics'))
    const { checked } = await linkFor('merge-2@example.org')
    await harness.client.linkIdentifiers({
      requestId: 'merge-2',
      subject: byEmail('merge-1@example.org'),
      identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', value: 'merge-2@example.org' }],
    })
    await use(click(checked))
    expect(await harness.client.checkPermission({ subject: byEmail('merge-1@example.org'), purpose: newsletter })).toMatchObject({
      allowed: false,
    })
  })

  it('answers each of many clicks on its own, unknown references too', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, (_, n) => linkFor(`each-${n}@example.org`)))
    const uses = made.flatMap(({ checked }) => [click(checked), click(checked, { linkRef: 'f'.repeat(32) })])
    const { results } = await use(...uses)
    expect(results.map(({ result }) => result)).toEqual(made.flatMap(() => ['LINK_USE_CHANGED', 'LINK_USE_UNKNOWN']))
  })

  it.each<[string, Partial<UnsubscribeLinkUse>, string]>([
    ['a malformed reference', { linkRef: 'x' }, 'uses[0].link_ref'],
    ['a scope that is no key', { scope: 'No Key' }, 'uses[0].scope'],
    ['another origin', { method: 'ORIGIN_KIND_OPERATOR' }, 'uses[0].method'],
    ['a fingerprint that is a whole token', { tokenFingerprint: 'v1.l1.abc' }, 'uses[0].token_fingerprint'],
    ['no key id', { keyId: '' }, 'uses[0].key_id'],
    ['no time', { usedAt: null }, 'uses[0].used_at'],
    ['no request id', { requestId: '' }, 'uses[0].request_id'],
  ])('refuses %s', async (_, change, field) => {
    const { checked } = await linkFor('bad@example.org')
    await expect(use(click(checked, change))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, violations: [{ field }] })
  })
})
