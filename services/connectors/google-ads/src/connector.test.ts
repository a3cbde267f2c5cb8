import type { Task } from '@heed/connector-kit'
import { testConnector } from '@heed/connector-kit/conformance'
import { anErasure } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { googleAds } from './connector.ts'
import {
  account,
  ads,
  answer,
  bob,
  bodyOf,
  contactOnly,
  cy,
  emails,
  gaid,
  given,
  http,
  idfa,
  jane,
  job,
  optIn,
  optOut,
  plan,
  refusal,
  settings,
  statusOf,
  userId,
  violation,
} from './examples.fixture.ts'
import { parseSettings } from './settings.ts'

testConnector(googleAds, {
  settings,
  tasks: [
    jane,
    bob,
    optIn('cy@example.org'),
    anErasure('dee@example.org', { ...ads, identifiers: [...emails('dee@example.org'), userId, idfa] }),
    optIn('ema@example.org', { evidence: {} }),
  ],
  answers: [
    answer(200, { requestId: job.id }),
    refusal(violation('audience_members[1].user_data', 'INVALID_HEX_ENCODING')),
    statusOf(['SUCCESS']),
  ],
  job,
})

describe('the plan', () => {
  it('removes all that is known of a person as one member', () => {
    expect(plan([jane])).toEqual([
      {
        via: 'http',
        intent: 'assert',
        name: 'members.remove',
        method: 'POST',
        path: '/v1/audienceMembers:remove',
        covers: [jane.deliveryId],
        note: { destinations: 1, refusals: 0 },
        body: {
          json: {
            destinations: [{ operatingAccount: account, productDestinationId: '7712345001' }],
            audienceMembers: [
              {
                userData: {
                  userIdentifiers: [
                    { emailAddress: '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d' },
                    { phoneNumber: '36a2cef4ff9bf7a1abd2a93359136b870393be4106e6c5d19b72ff564f9deca4' },
                  ],
                },
              },
            ],
            encoding: 'HEX',
            validateOnly: false,
          },
        },
      },
    ])
  })

  it('removes a Gmail address by the rule of today and by the one before it, and adds it by the one of today', () => {
    const address = ' Jane.Doe+promo@Gmail.com '
    const hashes = (task: Task) =>
      bodyOf(http(plan([task])[0])).audienceMembers[0]?.userData?.userIdentifiers.map((one) => one.emailAddress)
    const today = 'd6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69'
    expect(hashes(optOut(address))).toEqual([today, expect.not.stringContaining(today)])
    expect(hashes(optIn(address))).toEqual([today])
  })

  it('keeps each kind of member on its own list, without hashing what is not hashed', () => {
    const task = optOut('jane.doe@example.com', { identifiers: [...emails('jane.doe@example.com'), userId, idfa, gaid] })
    const planned = plan([task]).map(http)
    expect(planned.map(bodyOf)).toMatchObject([
      { destinations: [{ productDestinationId: '7712345001' }], encoding: 'HEX' },
      {
        destinations: [{ productDestinationId: '7712345002' }],
        audienceMembers: [{ mobileData: { mobileIds: [idfa.value, gaid.value] } }],
      },
      { destinations: [{ productDestinationId: '7712345003' }], audienceMembers: [{ userIdData: { userId: 'crm-000481' } }] },
    ])
    expect(planned.slice(1).map((request) => 'encoding' in bodyOf(request))).toEqual([false, false])
  })

  it('says that the person consents when it adds her, and never when it removes her', () => {
    expect(bodyOf(http(plan([optIn('ada@example.org')])[0]))).toMatchObject({
      consent: { adUserData: 'CONSENT_GRANTED', adPersonalization: 'CONSENT_GRANTED' },
      termsOfService: { customerMatchTermsOfServiceStatus: 'ACCEPTED' },
    })
    expect(Object.keys(bodyOf(http(plan([jane])[0])))).toEqual(['destinations', 'audienceMembers', 'encoding', 'validateOnly'])
  })

  it('adds nobody without evidence, and takes out whoever is to be forgotten', () => {
    expect(plan([optIn('ada@example.org', { evidence: {} })])).toMatchObject([
      { via: 'nothing', outcome: { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' } },
    ])
    expect(http(plan([anErasure('ada@example.org', { ...ads, identifiers: emails('ada@example.org') })])[0]).path).toBe(
      '/v1/audienceMembers:remove',
    )
  })

  it('tells removals and additions apart in one batch', () => {
    expect(plan([optIn('ada@example.org'), bob]).map((request) => http(request).name)).toEqual(['members.remove', 'members.ingest'])
  })

  it('makes a second member of an eleventh identifier', () => {
    const many = Array.from({ length: 11 }, (_, index) => `person-${index}@example.com`)
    const request = http(plan([optOut('ada@example.org', { identifiers: emails(...many) }), bob])[0])
    expect(bodyOf(request).audienceMembers.map(({ userData }) => userData?.userIdentifiers.length)).toEqual([10, 1, 1])
    expect(request.note).toMatchObject({ owners: [0, 0, 1] })
  })

  it('fills requests, and cuts them at 10,000 members and ten destinations', () => {
    const people = Array.from({ length: 10_000 }, (_, index) => optOut(`person-${index}@example.com`))
    expect(plan(people)).toHaveLength(1)
    const eleven = Array.from({ length: 11 }, (_, index) => ({ id: String(index + 1), holds: 'contact' }))
    const many = parseSettings({ ...given, lists: eleven, membersPerRequest: 2 })
    expect(plan([jane, bob, cy], many).map((request) => [bodyOf(http(request)).destinations.length, http(request).covers.length])).toEqual([
      [10, 2],
      [10, 1],
      [1, 2],
      [1, 1],
    ])
  })

  it('sends nothing that would have the whole request refused', () => {
    const odd = optOut('ada@example.org', { identifiers: [{ kind: 'email', form: 'raw', value: 'ada@example.org' }] })
    const zero = optOut('bob@example.org', { identifiers: [{ kind: 'idfa', form: 'raw', value: 'none' }, ...emails('bob@example.org')] })
    const [nothing, request] = plan([odd, zero])
    expect(nothing).toMatchObject({ via: 'nothing', covers: [odd.deliveryId], outcome: { reason: 'item.no-usable-identifier' } })
    expect(http(request).covers).toEqual([zero.deliveryId])
    expect(plan([odd, zero])).toHaveLength(2)
  })

  it('addresses an advertiser of Display & Video through its manager, on behalf of a project', () => {
    const display = { accountType: 'DISPLAY_VIDEO_ADVERTISER', accountId: '4085550277' }
    const using = parseSettings({ ...given, operatingAccount: display, loginAccount: account, project: 'heed-privacy' })
    const request = http(plan([jane], using)[0])
    expect(bodyOf(request).destinations).toEqual([{ loginAccount: account, operatingAccount: display, productDestinationId: '7712345001' }])
    expect(request.headers).toEqual({ 'x-goog-user-project': 'heed-privacy' })
  })

  it('acts only on identifiers that one of its lists can hold', () => {
    const descriptor = typeof googleAds.descriptor === 'function' ? googleAds.descriptor(contactOnly) : googleAds.descriptor
    expect(descriptor.identifiers).toEqual(['email', 'phone'])
  })
})

describe('settings', () => {
  it.each([
    [{ ...given, credential: '{"type":"service_account"}' }, 'credential'],
    [{ ...given, baseUrl: 'http://datamanager.example.com' }, 'baseUrl'],
    [{ ...given, tokenUrl: 'http://tokens.example.com/token' }, 'tokenUrl'],
    [{ ...given, operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '408-555-0199' } }, 'operatingAccount.accountId'],
    [{ ...given, lists: [] }, 'lists'],
    [{ ...given, lists: [{ id: '1', holds: 'cookies' }] }, 'lists.0.holds'],
    [{ ...given, membersPerRequest: 10_001 }, 'membersPerRequest'],
    [{ ...given, secret: 'x' }, 'secret'],
  ])('that are wrong are refused by the name of the field', (wrong, field) => {
    expect(() => parseSettings(wrong)).toThrow(field)
  })

  it('count quotas by project, which several recipients may share', () => {
    const one = parseSettings({ ...given, project: 'heed-privacy' })
    expect(googleAds.account?.(one)).toBe('google-data-manager:heed-privacy')
    expect(googleAds.account?.(settings)).toBe('google-data-manager:env:GOOGLE_DATA_MANAGER_CREDENTIAL')
  })
})
