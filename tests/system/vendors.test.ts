import { fromTimestamp } from '@heed/contracts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub } from './test-hub.ts'
import { addressOf, type Fault, isOut, recipients, type Story, stories, switchOn, vendors } from './vendors.ts'

// One hub, every vendor at once: what happens to one of them happens to all of them in the same story, and each is judged by itself.
let test: TestHub
beforeAll(async () => {
  test = await startTestHub()
})
afterAll(() => test.stop())
afterEach(async () => {
  for (const vendor of vendors) test.sandbox[vendor].control.behave()
  test.sandbox.supplierFeed.control.releaseCalls()
  // every back-off and every breaker is over before the next story begins
  test.clock.turn(2 * 3_600_000)
  await test.hub.settle()
})

const purposes = [
  'email-marketing',
  'third-party-marketing',
  'interest-based-advertising',
  'analytics',
  'supplier-sharing',
  'promotional-partners',
]

type Delivery = Awaited<ReturnType<TestHub['settled']>>['deliveries'][number]
const deliveriesOf = async (changeId: string): Promise<Map<string, Delivery>> => {
  // the trail may not have heard of it yet
  const { status } = await test.clients.audit.getChangeStatus({ changeId }).catch(() => ({ status: null }))
  return new Map(status?.deliveries.map((delivery) => [delivery.recipientId, delivery]))
}

type Holds = (delivery: Delivery, recipient: string) => boolean

/** The recipients for which the condition does not hold, with how they stand. */
async function lateAt(changeId: string, of: readonly string[], holds: Holds): Promise<string[]> {
  const deliveries = await deliveriesOf(changeId)
  return of.flatMap((recipient) => {
    const delivery = deliveries.get(recipient)
    if (delivery !== undefined && holds(delivery, recipient)) return []
    return [`${recipient}: ${delivery?.state} ${delivery?.waitReason} ${delivery?.lastReason}`]
  })
}

/** Looks again and again until nobody is late; else names those who are. */
async function untilNobody(late: () => Promise<string[]>, what: string) {
  let last: string[] = []
  const judge = async () => {
    last = await late()
    return last.length === 0
  }
  await test.until(judge, what).catch(() => expect(last, what).toEqual([]))
}

/** Waits until the condition holds for each of the recipients. */
const each = (changeId: string, of: readonly string[], holds: Holds, what: string) => untilNobody(() => lateAt(changeId, of, holds), what)

/** Every vendor is well again: waits until each recipient has ended, while the hours pass that back-offs and breakers last. */
async function recovered(changeIds: readonly string[], of = everyone, holds = ends) {
  for (const vendor of vendors) test.sandbox[vendor].control.behave()
  await untilNobody(async () => {
    // an attempt that began while the vendor was away may fail after the clock was turned, and waits anew
    test.clock.turn(3_600_000)
    await test.hub.settle()
    return (await Promise.all(changeIds.map((changeId) => lateAt(changeId, of, holds)))).flat()
  }, 'each has ended')
}

/** Makes somebody known to every vendor, and a member wherever that can be. */
function introduce(address: string): void {
  const { mailchimp, googleDataManager, googleAnalytics, meta, linkedin, x, microsoft, hashedEmail, supplierFeed } = test.sandbox
  mailchimp.control.seedMember('l-marketing', address)
  for (const { control } of [googleDataManager, meta, linkedin, x, microsoft]) control.seedEverywhere(address)
  googleAnalytics.control.seedMember('312345678', address)
  hashedEmail.control.know([address])
  supplierFeed.control.know([address])
}

let met = 0
/** Somebody new, also when a story is played once more. */
const somebody = (story: Story) => addressOf(story, met++)

async function refusal(address: string): Promise<string> {
  introduce(address)
  return (await test.optOut(address, purposes)).changeId
}

/** Who takes part in a story; the others are listed in the table with the reason. */
const playing = (story: Story) =>
  Object.entries(recipients).flatMap(([recipient, { plays }]) => {
    const fault = plays[story]
    return typeof fault === 'string' ? [] : [[recipient, fault] as const]
  })
const names = (cast: readonly (readonly [string, unknown])[]) => cast.map(([recipient]) => recipient)
/** Switches the story's faults on, each once: recipients may share a vendor. */
function spoil(cast: readonly (readonly [string, Fault])[], people: readonly string[]) {
  const on = new Set<string>()
  for (const [recipient, fault] of cast) {
    const { vendor } = recipients[recipient] ?? { vendor: undefined }
    const key = JSON.stringify([vendor, fault])
    if (vendor === undefined || on.has(key)) continue
    on.add(key)
    switchOn(test.sandbox, vendor, fault, people)
  }
}
const ends = ({ state, settled }: Delivery, recipient: string) => {
  const end = recipients[recipient]?.end
  // some of those who are confirmed are read back besides
  return settled && (state === `DELIVERY_STATE_${end}` || (end === 'CONFIRMED' && state === 'DELIVERY_STATE_VERIFIED'))
}
const heldIn = (address: string, of: readonly string[]) => of.filter((recipient) => !isOut(test.sandbox, recipient, address))
const everyone = Object.keys(recipients)

/** Two refusals that go out in one request wherever a request takes two. */
async function together(story: Story, people: readonly [string, string]): Promise<{ readonly first: string; readonly second: string }> {
  const reason = `so that both go in one request: ${story}`
  for (const recipientId of everyone) await test.clients.propagation.pauseRecipient({ recipientId, reason })
  const [first, second] = [await refusal(people[0]), await refusal(people[1])]
  for (const changeId of [first, second]) await each(changeId, everyone, ({ waitReason }) => waitReason === 'paused', 'both are there')
  for (const recipientId of everyone) await test.clients.propagation.resumeRecipient({ recipientId, reason })
  return { first, second }
}

describe('the table of stories', () => {
  it('has every story for every vendor, played or with the reason why its contract has no such thing', () => {
    for (const [recipient, { plays }] of Object.entries(recipients))
      expect([recipient, Object.keys(plays).toSorted()]).toEqual([recipient, [...stories].toSorted()])
  })
})

describe('every vendor', () => {
  it('that is healthy comes to hold a refusal, and says as much as its contract lets it', async () => {
    const address = somebody('healthy')
    const changeId = await refusal(address)
    await each(changeId, everyone, ends, 'each has ended as its contract says')
    expect(heldIn(address, everyone)).toEqual([])
  })

  it('that is throttled is waited for, says so, and is told afterwards', async () => {
    const cast = playing('throttled')
    spoil(cast, [])
    const address = somebody('throttled')
    const changeId = await refusal(address)
    await each(changeId, names(cast), ({ settled, waitReason }) => !settled && waitReason === 'rate_limited', 'each waits for its turn')
    expect(heldIn(address, names(cast))).toEqual(names(cast))
    await recovered([changeId])
    expect(heldIn(address, everyone)).toEqual([])
  })

  it('that is down for a day is caught up with; until then the delivery says why it waits', async () => {
    const cast = playing('down for a day')
    spoil(cast, [])
    const address = somebody('down for a day')
    const changeId = await refusal(address)
    const away = ['recipient_unavailable', 'breaker_open', 'unknown_outcome']
    for (let hour = 0; hour <= 24; hour += 6) {
      await each(changeId, names(cast), ({ settled, waitReason }) => !settled && away.includes(waitReason), `each waits at hour ${hour}`)
      test.clock.turn(6 * 3_600_000)
    }
    await recovered([changeId])
    expect(heldIn(address, everyone)).toEqual([])
  })

  it('that refuses the key rejects nobody, and is told once the key is good', async () => {
    const cast = playing('key revoked')
    spoil(cast, [])
    const address = somebody('key revoked')
    const changeId = await refusal(address)
    await each(changeId, names(cast), ({ settled, waitReason }) => !settled && waitReason === 'auth_failed', 'each waits for a good key')
    expect(heldIn(address, names(cast))).toEqual(names(cast))
    await recovered([changeId])
    expect(heldIn(address, everyone)).toEqual([])
  })

  it('that takes a part of a request is given the rest again, or leaves it to a person where it refused it for good', async () => {
    const cast = playing('partial failure')
    const people = [somebody('partial failure'), somebody('partial failure')] as const
    spoil(cast, people)
    const { first, second } = await together('partial failure', people)
    await test.until(() => cast.every(([recipient, fault]) => wasSpoiled(recipient, fault)), 'each has taken a part')
    const toPerson = cast.flatMap(([recipient, { leavesToPerson }]) => (leavesToPerson === true ? [recipient] : []))
    const again = everyone.filter((recipient) => !toPerson.includes(recipient))
    await recovered([first, second], again)
    for (const address of people) expect(heldIn(address, again)).toEqual([])
    const through = ({ settled, state }: Delivery) => settled || state === 'DELIVERY_STATE_NEEDS_PERSON'
    await recovered([first, second], toPerson, through)
    // a row of a file with changes is refused for good; one of a file with everybody is given again in a smaller one
    for (const recipient of toPerson) {
      const held = await Promise.all([first, second].map(async (changeId) => (await deliveriesOf(changeId)).get(recipient)?.settled))
      expect([recipient, people.map((address) => isOut(test.sandbox, recipient, address))]).toEqual([recipient, held])
      expect(held).toContain(true)
    }
  })

  it('that applied and never answered is asked again, and holds the refusal once', async () => {
    const cast = playing('applied but never answered')
    spoil(cast, [])
    const address = somebody('applied but never answered')
    const changeId = await refusal(address)
    await test.until(() => heldIn(address, names(cast)).length === 0, 'each has applied it')
    await recovered([changeId])
    expect(heldIn(address, everyone)).toEqual([])
  })

  it('that refuses one person leaves her to a person of ours, and takes everybody else', async () => {
    const cast = playing('poison member')
    const people = [somebody('poison member'), somebody('poison member')] as const
    spoil(cast, [people[0]])
    const { first, second } = await together('poison member', people)
    await each(second, everyone, ends, 'the other has ended everywhere')
    // an item that is refused by itself is tried again before a person is asked
    await test
      .until(async () => {
        test.clock.turn(3_600_000)
        await test.hub.settle()
        const deliveries = await deliveriesOf(first)
        return cast.every(([recipient]) => deliveries.get(recipient)?.state === 'DELIVERY_STATE_NEEDS_PERSON')
      }, 'hers needs a person')
      .catch(() => undefined)
    await each(first, names(cast), ({ state, settled }) => !settled && state === 'DELIVERY_STATE_NEEDS_PERSON', 'hers needs a person')
    expect(heldIn(people[1], everyone)).toEqual([])
  })

  it('that fails after it has taken the request is told again, or brings it to a person; it is never held for done', async () => {
    const cast = playing('late asynchronous failure')
    spoil(cast, [])
    const address = somebody('late asynchronous failure')
    const changeId = await refusal(address)
    await test.until(() => cast.every(([recipient, fault]) => wasSpoiled(recipient, fault)), 'each has failed')
    for (const vendor of vendors) test.sandbox[vendor].control.behave()
    await test.until(async () => {
      test.clock.turn(3_600_000)
      await test.hub.settle()
      const deliveries = await deliveriesOf(changeId)
      return names(cast).every((recipient) => {
        const { settled, state } = deliveries.get(recipient) ?? {}
        return settled === true || state === 'DELIVERY_STATE_NEEDS_PERSON'
      })
    }, 'each has ended or is with a person')
    const deliveries = await deliveriesOf(changeId)
    for (const [recipient] of cast) {
      const { state } = deliveries.get(recipient) ?? {}
      if (state === 'DELIVERY_STATE_CONFIRMED') expect([recipient, isOut(test.sandbox, recipient, address)]).toEqual([recipient, true])
      else expect([recipient, state]).toEqual([recipient, 'DELIVERY_STATE_NEEDS_PERSON'])
    }
  })
})

describe('recipients in trouble, each in another way (I9)', () => {
  it('delay no other: the others end in their usual time, while none of those in trouble has', async () => {
    const { linkedin, meta, googleDataManager } = test.sandbox
    const broken = ['linkedin', 'meta', 'google-ads', 'google-display-video', 'x']
    const others = everyone.filter((recipient) => !broken.includes(recipient))
    /** For each of the others, how long twelve people took, ms. */
    const round = async (name: string, during: (changeIds: readonly string[]) => Promise<void>) => {
      const addresses = Array.from({ length: 12 }, (_, index) => `${name}-${index}@example.org`)
      const changeIds = await Promise.all(addresses.map(refusal))
      for (const changeId of changeIds) await each(changeId, others, ends, `${name}: the others have ended`)
      await during(changeIds)
      const all = await Promise.all(changeIds.map(deliveriesOf))
      return new Map(others.map((recipient) => [recipient, medianOf(all.map((deliveries) => took(deliveries.get(recipient))))]))
    }
    const calm = await round('calm', async () => undefined)

    linkedin.control.misbehave({ kind: 'down' })
    meta.control.misbehave({ kind: 'rate-limited' })
    googleDataManager.control.misbehave({ kind: 'revoked-key' })
    await test.clients.propagation.pauseRecipient({ recipientId: 'x', reason: 'somebody looks at it' })
    const troubled = await round('troubled', async (changeIds) => {
      // order of events: all of the others are through, and nobody of those in trouble
      for (const changeId of changeIds) {
        const deliveries = await deliveriesOf(changeId)
        expect(broken.filter((recipient) => deliveries.get(recipient)?.settled !== false)).toEqual([])
      }
    })
    // ten times as long or fifteen seconds more: a busy machine may do that, a queue behind somebody in trouble takes until the trouble ends, which is never here
    const slower = others.filter(
      (recipient) => (troubled.get(recipient) ?? 0) > Math.max(10 * (calm.get(recipient) ?? 0), (calm.get(recipient) ?? 0) + 15_000),
    )
    expect(slower.map((recipient) => [recipient, calm.get(recipient), troubled.get(recipient)])).toEqual([])
    await test.clients.propagation.resumeRecipient({ recipientId: 'x', reason: 'it is well' })
  })
})

const took = (delivery: Delivery | undefined): number =>
  (fromTimestamp(delivery?.settledAt ?? null) ?? Number.NaN) - (fromTimestamp(delivery?.acceptedAt ?? null) ?? Number.NaN)

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Whether the fault has been used up. */
function wasSpoiled(recipient: string, { kind }: Fault): boolean {
  const { vendor } = recipients[recipient] ?? {}
  return vendor !== undefined && !test.sandbox[vendor].control.misbehaving().some((one) => one.kind === kind)
}
