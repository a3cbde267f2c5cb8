import { fc, test } from '@fast-check/vitest'
import type { Choice } from '@heed/contracts/gen/heed/common/v1/Choice.ts'
import { status } from '@heed/platform/grpc'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { anOptIn, anOptOut, byEmail, type Harness, startHarness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(','), withoutRelay: true })
})
afterAll(() => harness.stop())

let counter = 0
const id = () => `id-${++counter}`
const link = (subject: string, ...emails: string[]) => ({
  requestId: id(),
  subject: byEmail(subject),
  identifiers: emails.map((value) => ({ kind: 'IDENTIFIER_KIND_EMAIL', value }) as const),
  origin: 'ORIGIN_KIND_PERSON' as const,
})
const allowed = async (email: string, recipientId = 'mailchimp') =>
  (await harness.client.checkPermission({ subject: byEmail(email), recipientId })).allowed

describe('a link', () => {
  it('carries a held denial to a new address, as a version that every recipient hears of', async () => {
    const { subjectId } = await harness.client.setPreferences(anOptOut(id(), 'carry@example.org'))
    const linked = await harness.client.linkIdentifiers(link('carry@example.org', 'carried@example.org'))
    expect(linked).toMatchObject({ subjectId, version: 2, changeId: `${subjectId}/2`, added: 1, mergedSubjectIds: [] })
    expect(await allowed('carried@example.org')).toBe(false)
    expect(await harness.app.store.changes.findOne({ _id: `${subjectId}/2` })).toMatchObject({
      cause: 'identifiers-linked',
      linked: ['email'],
      changed: [],
    })
  })

  it('makes no version where nothing is held: the first choice will find the address', async () => {
    const linked = await harness.client.linkIdentifiers(link('none@example.org', 'none-2@example.org'))
    expect(linked).toMatchObject({ version: 0, changeId: '', added: 1 })
    await harness.client.setPreferences(anOptOut(id(), 'none-2@example.org'))
    const { subjects } = await harness.identifiers.resolveIdentifiers({
      recipientId: 'mailchimp',
      items: [{ subjectId: linked.subjectId }],
    })
    expect(subjects[0]?.identifiers.map(({ value }) => value).sort()).toEqual(['none-2@example.org', 'none@example.org'])
  })

  it('of what is linked already changes nothing', async () => {
    await harness.client.setPreferences(anOptOut(id(), 'twice@example.org'))
    await harness.client.linkIdentifiers(link('twice@example.org', 'twice-2@example.org'))
    expect(await harness.client.linkIdentifiers(link('twice@example.org', 'TWICE-2@example.org'))).toMatchObject({
      version: 2,
      changeId: '',
      added: 0,
    })
  })

  it('gives the same answer for the same request id, and refuses another body', async () => {
    await harness.client.setPreferences(anOptOut(id(), 'again@example.org'))
    const request = link('again@example.org', 'again-2@example.org')
    const answer = await harness.client.linkIdentifiers(request)
    expect(await harness.client.linkIdentifiers(request)).toEqual(answer)
    await expect(
      harness.client.linkIdentifiers({ ...link('again@example.org', 'again-3@example.org'), requestId: request.requestId }),
    ).rejects.toMatchObject({
      code: status.ALREADY_EXISTS,
    })
    await expect(harness.client.setPreferences(anOptOut(request.requestId, 'again@example.org', 'analytics'))).rejects.toMatchObject({
      code: status.ALREADY_EXISTS,
    })
  })

  it('attaches somebody whom nobody knows to the owner of the identifier', async () => {
    const { subjectId } = await harness.client.setPreferences(anOptOut(id(), 'known@example.org'))
    expect(await harness.client.linkIdentifiers(link('stranger@example.org', 'known@example.org'))).toMatchObject({
      subjectId,
      version: 2,
      added: 1,
      mergedSubjectIds: [],
    })
    expect(await allowed('stranger@example.org')).toBe(false)
  })

  it('that the database gives up for a moment may be repeated, and then comes to its end', async () => {
    await harness.client.setPreferences(anOptOut(id(), 'moment@example.org'))
    const admin = harness.mongo.database('admin').db?.admin()
    // WriteConflict: nothing was written, and the same may succeed at once
    const data = { failCommands: ['insert'], appName: harness.prefix, errorCode: 112 }
    await admin?.command({ configureFailPoint: 'failCommand', mode: { times: 1 }, data })
    const request = link('moment@example.org', 'moment-2@example.org')
    await expect(harness.client.linkIdentifiers(request)).rejects.toMatchObject({ code: status.UNAVAILABLE, retryAfterSeconds: 1 })
    expect(await harness.client.linkIdentifiers(request)).toMatchObject({ version: 2, added: 1 })
  })

  it('of an unknown subject id is refused', async () => {
    await expect(
      harness.client.linkIdentifiers({ ...link('x@example.org', 'y@example.org'), subject: { subjectId: `s-${'0'.repeat(26)}` } }),
    ).rejects.toMatchObject({ code: status.NOT_FOUND, reason: 'SUBJECT_UNKNOWN' })
  })
})

describe('two subjects that are one person', () => {
  it('become the older one, which holds every denial of both', async () => {
    const older = await harness.client.setPreferences(anOptOut(id(), 'older@example.org', 'analytics'))
    const younger = await harness.client.setPreferences(anOptOut(id(), 'younger@example.org'))
    const linked = await harness.client.linkIdentifiers(link('younger@example.org', 'older@example.org'))
    expect(linked).toMatchObject({ subjectId: older.subjectId, version: 2, added: 0, mergedSubjectIds: [younger.subjectId] })
    for (const email of ['older@example.org', 'younger@example.org']) {
      expect(await harness.client.getPreferences({ subject: byEmail(email) })).toMatchObject({
        subjectId: older.subjectId,
        version: 2,
        chosen: [
          { purpose: 'analytics', choice: 'CHOICE_DENIED', version: 1 },
          { purpose: 'email-marketing', choice: 'CHOICE_DENIED', version: 2 },
        ],
      })
    }
    expect(await harness.client.getPreferences({ subject: { subjectId: younger.subjectId } })).toMatchObject({
      subjectId: older.subjectId,
      mergedFromSubjectId: younger.subjectId,
    })
  })

  it('hand over every identifier under the one, and nothing under the other but that it is merged', async () => {
    const one = await harness.client.setPreferences(anOptOut(id(), 'hand-1@example.org'))
    const two = await harness.client.setPreferences(anOptOut(id(), 'hand-2@example.org'))
    await harness.client.linkIdentifiers(link('hand-1@example.org', 'hand-2@example.org'))
    const { subjects } = await harness.identifiers.resolveIdentifiers({
      recipientId: 'mailchimp',
      items: [{ subjectId: one.subjectId }, { subjectId: two.subjectId, deliveryId: `mailchimp/${two.subjectId}/1` }],
    })
    expect(subjects).toMatchObject([
      { standing: 'SUBJECT_STANDING_ACTIVE', newestVersion: 2 },
      { standing: 'SUBJECT_STANDING_MERGED', newestVersion: 2, identifiers: [] },
    ])
    expect(subjects[0]?.identifiers.map(({ value }) => value)).toEqual(['hand-1@example.org', 'hand-2@example.org'])
  })

  it('take later choices as one, by whichever name', async () => {
    await harness.client.setPreferences(anOptOut(id(), 'later-1@example.org'))
    const two = await harness.client.setPreferences(anOptOut(id(), 'later-2@example.org'))
    await harness.client.linkIdentifiers(link('later-1@example.org', 'later-2@example.org'))
    await harness.client.setPreferences({ ...anOptOut(id(), '', 'analytics'), subject: { subjectId: two.subjectId } })
    expect(await allowed('later-1@example.org', 'google-analytics')).toBe(false)
    await harness.client.setPreferences(anOptIn(id(), 'later-2@example.org', Date.now() + 60_000))
    expect(await allowed('later-1@example.org')).toBe(true)
  })

  it('merge in chains, and from all sides at once, into one', async () => {
    const emails = Array.from({ length: 6 }, (_, n) => `chain-${n}@example.org`)
    for (const [n, email] of emails.entries()) {
      await harness.client.setPreferences(anOptOut(id(), email, ['email-marketing', 'analytics', 'social-audiences'][n % 3]))
    }
    await Promise.all(emails.map((email, n) => harness.client.linkIdentifiers(link(email, emails[(n + 1) % emails.length] ?? ''))))
    const answers = await Promise.all(emails.map((email) => harness.client.getPreferences({ subject: byEmail(email) })))
    expect(new Set(answers.map(({ subjectId }) => subjectId)).size).toBe(1)
    expect(answers[0]?.chosen.map(({ purpose, choice }) => [purpose, choice])).toEqual([
      ['analytics', 'CHOICE_DENIED'],
      ['email-marketing', 'CHOICE_DENIED'],
      ['social-audiences', 'CHOICE_DENIED'],
    ])
    const { subjects } = await harness.identifiers.resolveIdentifiers({
      recipientId: 'mailchimp',
      items: [{ subjectId: answers[0]?.subjectId ?? '' }],
    })
    expect(subjects[0]?.identifiers.map(({ value }) => value).sort()).toEqual(emails)
    expect(await harness.app.finishLinks(new Date(Date.now() + 1_000))).toBe(0)
  })

  it('lose no choice that is made while they are joined', async () => {
    await harness.client.setPreferences(anOptOut(id(), 'while-1@example.org', 'analytics'))
    await harness.client.setPreferences(anOptOut(id(), 'while-2@example.org', 'social-audiences'))
    const purposes = ['email-marketing', 'cross-device-linking', 'third-party-marketing', 'promotional-partners', 'affiliate-sharing']
    await Promise.all([
      harness.client.linkIdentifiers(link('while-1@example.org', 'while-2@example.org')),
      ...purposes.map((purpose, n) => harness.client.setPreferences(anOptOut(id(), `while-${1 + (n % 2)}@example.org`, purpose))),
    ])
    const { chosen } = await harness.client.getPreferences({ subject: byEmail('while-1@example.org') })
    expect(chosen.map(({ purpose }) => purpose)).toEqual([...purposes, 'analytics', 'social-audiences'].sort())
  })
})

describe('whatever is set and linked', () => {
  const addresses = ['a', 'b', 'c', 'd']
  const purposes = ['email-marketing', 'analytics']
  const step = fc.oneof(
    fc.record({ act: fc.constant('deny' as const), who: fc.nat(3), purpose: fc.nat(1) }),
    fc.record({ act: fc.constant('grant' as const), who: fc.nat(3), purpose: fc.nat(1), fresh: fc.boolean() }),
    fc.record({ act: fc.constant('link' as const), who: fc.nat(3), to: fc.nat(3) }),
  )

  test.prop([fc.array(step, { minLength: 2, maxLength: 12 })], { numRuns: 25 })(
    'what is denied stays denied for the person until fresh evidence says otherwise',
    async (steps) => {
      const run = id()
      const email = (who: number) => `${addresses[who]}-${run}@example.org`
      // what must hold: persons are groups of addresses, each with what is denied
      const group = addresses.map((_, who) => ({ members: new Set([who]), denied: new Set<string>() }))
      // each fresh grant is fresher than any denial so far, and than the ones before it
      let evidenceAt = Date.now() + 10_000
      for (const one of steps) {
        const person = group[one.who]
        if (person === undefined) continue
        if (one.act === 'link') {
          const other = group[one.to]
          await harness.client.linkIdentifiers(link(email(one.who), email(one.to)))
          if (other === undefined || other === person) continue
          for (const who of other.members) {
            person.members.add(who)
            group[who] = person
          }
          for (const purpose of other.denied) person.denied.add(purpose)
          continue
        }
        const purpose = purposes[one.purpose] ?? ''
        if (one.act === 'deny') {
          await harness.client.setPreferences(anOptOut(id(), email(one.who), purpose))
          person.denied.add(purpose)
          continue
        }
        evidenceAt += 10
        const request = anOptIn(id(), email(one.who), one.fresh ? evidenceAt : Date.now() - 3_600_000, purpose)
        const taken = await harness.client.setPreferences(request).then(
          () => true,
          () => false,
        )
        expect(taken).toBe(one.fresh || !person.denied.has(purpose))
        if (one.fresh) person.denied.delete(purpose)
      }
      for (const [who, person] of group.entries()) {
        const known = await harness.client.getPreferences({ subject: byEmail(email(who)) }).catch(() => undefined)
        for (const purpose of purposes) {
          const holds: Choice | undefined = known?.effective.find((one) => one.purpose === purpose)?.choice
          if (person.denied.has(purpose)) expect(holds).toBe('CHOICE_DENIED')
          else expect(holds ?? 'CHOICE_GRANTED').toBe('CHOICE_GRANTED')
        }
      }
    },
  )
})
