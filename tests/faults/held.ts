import type { Sandbox } from '@heed/sandbox'

/** Who said what. */
export interface Said {
  /** Everybody whom the vendors know. */
  readonly introduced: readonly string[]
  /** Those of them who refused, and were acknowledged. */
  readonly refused: ReadonlySet<string>
  /** The recipients that such a refusal is owed to; at every other nothing may have changed. */
  readonly served: readonly string[]
}

/** Recipients with audiences, and whose. */
const audiences = [
  ['google-ads', 'googleDataManager', 'GOOGLE_ADS/4085550199'],
  ['google-display-video', 'googleDataManager', 'DISPLAY_VIDEO_ADVERTISER/4085550277'],
  ['meta', 'meta', undefined],
  ['linkedin', 'linkedin', undefined],
  ['x', 'x', undefined],
  ['microsoft-advertising', 'microsoft', undefined],
] as const
const filePartners = [
  ['select-third-parties', 'heed-select-partners'],
  ['cross-device-partners', 'heed-cross-device'],
] as const
const feedPartners = ['product-suppliers', 'promotional-partners', 'affiliates']

/** Has every vendor forget everybody. */
export function forgetEverybody(sandbox: Sandbox): void {
  const { mailchimp, hashedEmail, supplierFeed } = sandbox
  for (const { control } of [mailchimp, hashedEmail, supplierFeed]) control.reset()
  for (const [, vendor] of audiences) sandbox[vendor].control.reset()
}

/** Makes people known to every vendor, and a member wherever there is something to be a member of. */
export function introduce(sandbox: Sandbox, people: readonly string[]): void {
  for (const address of people) {
    sandbox.mailchimp.control.seedMember('l-marketing', address)
    for (const vendor of new Set(audiences.map(([, name]) => name))) sandbox[vendor].control.seedEverywhere(address)
  }
  sandbox.hashedEmail.control.know(people)
  sandbox.supplierFeed.control.know(people)
}

/**
 * I4, I6 and I7 at every kind of vendor: whoever refused is out of each list and audience, suppressed under one event at each partner that takes files, and opted out once at each
 * partner with a feed; nobody else is. No vendor was told two things under one id.
 */
export function wrongAtVendors(sandbox: Sandbox, said: Said): string[] {
  return [...atLists(sandbox, said), ...atFilePartners(sandbox, said), ...atFeedPartners(sandbox, said)]
}

const owed = ({ refused, served }: Said, recipient: string, address: string) => served.includes(recipient) && refused.has(address)
const who = (out: boolean) => (out ? 'somebody who refused' : 'somebody who refused nothing')

function atLists(sandbox: Sandbox, said: Said): string[] {
  const wrong: string[] = []
  for (const address of said.introduced) {
    const out = owed(said, 'mailchimp', address)
    const status = sandbox.mailchimp.control.person({ address })[0]?.status
    if (status !== (out ? 'unsubscribed' : 'subscribed')) wrong.push(`I4: ${who(out)} is ${String(status)} at Mailchimp`)
  }
  for (const [recipient, vendor, account] of audiences) {
    for (const address of said.introduced) {
      const out = owed(said, recipient, address)
      const held = sandbox[vendor].control.person({ address }).filter((belief) => account === undefined || belief.account === account)
      if (held.some(({ member }) => member) === out)
        wrong.push(`I4: ${who(out)} is ${out ? 'still in' : 'not in'} an audience of ${recipient}`)
    }
  }
  return wrong
}

function atFilePartners(sandbox: Sandbox, said: Said): string[] {
  const wrong: string[] = []
  const suppressions = sandbox.hashedEmail.control.beliefs().filter(({ suppressed }) => suppressed)
  for (const [recipient, partner] of filePartners) {
    const here = suppressions.filter((belief) => belief.partner === partner)
    const addresses = new Set(here.map(({ address }) => address))
    if (addresses.has(undefined)) wrong.push(`I4: somebody whom nobody knows is suppressed at ${partner}`)
    for (const address of said.introduced) {
      const out = owed(said, recipient, address)
      if (addresses.has(address) !== out) wrong.push(`I4: ${who(out)} is ${out ? 'not ' : ''}suppressed at ${partner}`)
    }
    for (const { eventIds } of here)
      if (new Set(eventIds).size !== 1) wrong.push(`I7: one wish is ${new Set(eventIds).size} events at ${partner}`)
  }
  return wrong
}

function atFeedPartners(sandbox: Sandbox, said: Said): string[] {
  const wrong: string[] = []
  const { control } = sandbox.supplierFeed
  const beliefs = control.beliefs()
  for (const partner of feedPartners) {
    const here = beliefs.filter((belief) => belief.partner === partner)
    const states = new Map(here.map(({ address, state }) => [address, state]))
    if (states.has(undefined)) wrong.push(`I4: ${partner} was told of somebody whom nobody knows`)
    for (const address of said.introduced) {
      const out = owed(said, partner, address)
      if (states.get(address) !== (out ? 'opted-out' : undefined))
        wrong.push(`I4: ${who(out)} is ${states.get(address) ?? 'unheard of'} at ${partner}`)
    }
    const scopes = new Set(here.map(({ identityValue, purpose, topic }) => JSON.stringify([identityValue, purpose, topic])))
    if (scopes.size !== here.length) wrong.push(`I7: one wish is held twice at ${partner}`)
  }
  // 409: another body under an id that was taken
  for (const { status, path } of control.requestTotals()) if (status === 409) wrong.push(`I7: ${path} was told two things under one id`)
  return wrong
}
