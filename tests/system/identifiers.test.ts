import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub } from './test-hub.ts'

let test: TestHub
beforeAll(async () => {
  test = await startTestHub()
})
afterAll(() => test.stop())

type Kind = 'EMAIL' | 'PHONE' | 'USER_ID' | 'BROWSER_ID' | 'APP_INSTANCE_ID' | 'IDFA' | 'GAID'
type Known = readonly [kind: Kind, value: string]
const wire = ([kind, value]: Known) => ({ kind: `IDENTIFIER_KIND_${kind}` as const, value })
let requests = 0

/** Every purpose that can be refused, refused. */
const refuseAll = (known: Known) =>
  test.clients.preferences.setPreferences({
    requestId: `identifiers:${requests++}`,
    subject: { identifier: wire(known) },
    choices: test.hub.policy.purposes.filter(({ refusable }) => refusable).map(({ key }) => ({ purpose: key, choice: 'CHOICE_DENIED' })),
    origin: 'ORIGIN_KIND_PERSON',
  })

const link = (known: Known, others: readonly Known[]) =>
  test.clients.preferences.linkIdentifiers({
    requestId: `identifiers:${requests++}`,
    subject: { identifier: wire(known) },
    identifiers: others.map(wire),
    origin: 'ORIGIN_KIND_INTERNAL_SERVICE',
  })

/** Where each delivery of a change has come to: `confirmed`, `not-applicable.no-identifier`, … */
async function fates(changeId: string): Promise<Record<string, string>> {
  const status = await test.settled(changeId)
  return Object.fromEntries(
    status.deliveries.map(({ recipientId, state, lastReason }) => {
      const word = state.replace('DELIVERY_STATE_', '').toLowerCase()
      return [recipientId, word === 'not_applicable' ? lastReason : word]
    }),
  )
}

const audienceVendors = () => {
  const { googleDataManager, meta, linkedin, x, microsoft } = test.sandbox
  return { google: googleDataManager, meta, linkedin, x, microsoft } as const
}

/** Each vendor comes to know this person by this one identifier, as if nobody had told it whose it is. */
function seed([kind, value]: Known): void {
  const person =
    kind === 'EMAIL'
      ? { addresses: [value] }
      : kind === 'PHONE'
        ? { phones: [value] }
        : kind === 'USER_ID'
          ? { userIds: [value] }
          : kind === 'IDFA' || kind === 'GAID'
            ? { deviceIds: [value] }
            : undefined
  for (const [name, vendor] of Object.entries(audienceVendors())) {
    // LinkedIn takes Android's device ids only
    if (person !== undefined && !(name === 'linkedin' && kind === 'IDFA')) vendor.control.seedEverywhere(person)
  }
  const { googleAnalytics, mailchimp, hashedEmail } = test.sandbox
  const recorded =
    kind === 'BROWSER_ID' ? { clientIds: [value] } : kind === 'APP_INSTANCE_ID' ? { appInstanceIds: [value] } : (person ?? undefined)
  const [property = ''] = googleAnalytics.control.properties()
  if (recorded !== undefined && kind !== 'IDFA' && kind !== 'GAID') googleAnalytics.control.seedMember(property, recorded)
  if (kind === 'EMAIL') {
    mailchimp.control.seedMember('l-marketing', value)
    hashedEmail.control.know([value])
  }
}

/** The vendors that still hold somebody under an identifier. */
function holders([kind, value]: Known): string[] {
  const names = (text: unknown) =>
    JSON.stringify(text ?? '')
      .toLowerCase()
      .includes(value.toLowerCase())
  const audiences = Object.entries(audienceVendors()).flatMap(([name, vendor]) =>
    vendor.control.beliefs().some(({ member, suppresses, person, address }) => member && suppresses !== true && names([person, address]))
      ? [name]
      : [],
  )
  const { googleAnalytics, mailchimp, hashedEmail } = test.sandbox
  if (googleAnalytics.control.beliefs().some((user) => user.state === 'recorded' && names([user.identifier, user.address])))
    audiences.push('analytics')
  if (kind === 'EMAIL') {
    if (mailchimp.control.person({ address: value }).some(({ status }) => status === 'subscribed')) audiences.push('mailchimp')
    const suppressedBy = hashedEmail.control.person({ address: value }).filter(({ suppressed }) => suppressed).length
    if (suppressedBy < 2) audiences.push('partners')
  }
  return audiences.sort()
}

const everybody = ['analytics', 'google', 'linkedin', 'mailchimp', 'meta', 'microsoft', 'partners', 'x']
const advertisers = ['google', 'linkedin', 'meta', 'x']

describe('a person with several addresses, phones, devices and ids', () => {
  it('is taken out under every one of them, at every recipient', async () => {
    const identifiers: readonly Known[] = [
      ['EMAIL', 'Ada.Lovelace+news@gmail.com'],
      ['EMAIL', 'ada@example.org'],
      ['EMAIL', 'a.king@example.com'],
      ['PHONE', '+14155550123'],
      ['PHONE', '+442071838750'],
      ['USER_ID', 'crm-1815'],
      ['USER_ID', 'crm-1852'],
      ['BROWSER_ID', '1815121010.1700000001'],
      ['BROWSER_ID', '1852112727.1700000002'],
      ['APP_INSTANCE_ID', '0123456789abcdef0123456789abcdef'],
      ['IDFA', 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93'],
      ['GAID', '38400000-8cf0-11bd-b23e-10b96e40000d'],
      ['GAID', '38400000-8cf0-11bd-b23e-10b96e40000e'],
    ]
    for (const known of identifiers) seed(known)
    const [first = ['EMAIL', ''], ...others] = identifiers
    await link(first, others)
    expect(holders(first)).toEqual(everybody)
    for (const known of identifiers) expect(holders(known), known[1]).not.toEqual([])
    await test.settled((await refuseAll(first)).changeId)
    // some vendors work it off after their answer
    await test.until(() => identifiers.every((known) => holders(known).length === 0), 'nobody holds her any more').catch(() => undefined)
    expect(identifiers.map((known) => [known[1], holders(known)]).filter(([, left]) => left?.length !== 0)).toEqual([])
  })
})

describe('a device of which nothing else is known', () => {
  it('reaches exactly the recipients that can act on it, and the others once an address is linked', async () => {
    const device: Known = ['GAID', '7c0ffee0-8cf0-11bd-b23e-10b96e40000a']
    const address: Known = ['EMAIL', 'device.owner@example.org']
    seed(device)
    seed(address)
    expect(holders(device)).toEqual(advertisers)
    const change = await refuseAll(device)
    const told = await fates(change.changeId)
    const granted = new Set(
      test.hub.policy.recipients.filter(({ grants }) => grants.some(({ kind }) => kind === 'gaid')).map(({ id }) => id as string),
    )
    const ours = Object.entries(told).filter(([id]) => test.hub.connectors.serves(id) || test.hub.connectors.makesDuties(id))
    expect(ours.length).toBeGreaterThan(11)
    for (const [id, fate] of ours) {
      if (granted.has(id)) expect(['accepted', 'confirmed', 'needs_person'], `${id}: ${fate}`).toContain(fate)
      else expect(fate, id).toBe('not-applicable.no-identifier')
    }
    await test.until(() => holders(device).length === 0, 'nobody holds the device')
    expect(holders(address)).toEqual(everybody)

    const linked = await link(device, [address])
    expect(linked.changeId).not.toBe('')
    const then = await fates(linked.changeId)
    for (const id of ['mailchimp', 'microsoft-advertising', 'google-analytics', 'select-third-parties', 'cross-device-partners'])
      expect(['accepted', 'confirmed'], `${id}: ${then[id]}`).toContain(then[id])
    await test.until(() => holders(address).length === 0, 'nobody holds the address')
  })
})

describe('an address that is linked after an opt-out', () => {
  it('is opted out everywhere it can be, without another word of the person', async () => {
    const first: Known = ['EMAIL', 'before@example.org']
    const later: readonly Known[] = [
      ['EMAIL', 'after@example.org'],
      ['PHONE', '+4915112345678'],
      ['USER_ID', 'crm-2026'],
    ]
    for (const known of [first, ...later]) seed(known)
    await test.settled((await refuseAll(first)).changeId)
    await test.until(() => holders(first).length === 0, 'nobody holds the first address')
    expect(holders(['EMAIL', 'after@example.org'])).toEqual(everybody)
    await test.settled((await link(first, later)).changeId)
    await test.until(() => later.every((known) => holders(known).length === 0), 'nobody holds what was linked').catch(() => undefined)
    expect(later.map(holders)).toEqual([[], [], []])
  })

  it('of somebody known to have opted in stays out: denied wins', async () => {
    const refused: Known = ['EMAIL', 'refused@example.org']
    const consenting: Known = ['EMAIL', 'consenting@example.org']
    seed(refused)
    seed(consenting)
    await test.settled((await test.optIn(consenting[1], ['email-marketing', 'social-audiences'])).changeId)
    await test.settled((await refuseAll(refused)).changeId)
    const merged = await link(consenting, [refused])
    await test.settled(merged.changeId)
    await test.until(() => holders(consenting).length === 0, 'nobody holds either address').catch(() => undefined)
    expect([holders(refused), holders(consenting)]).toEqual([[], []])
  })
})
