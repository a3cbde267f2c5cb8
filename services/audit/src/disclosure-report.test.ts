import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DisclosureGatherer, type HandOver } from './disclosure-report.ts'
import { exampleTime, recipient } from './testing/events.ts'
import { examplePolicy } from './testing/policy.ts'

const handOver = (name: string, at: number, count = 1, policyVersion = 'p1'): HandOver => ({
  at: exampleTime + at,
  recipientId: recipient(name),
  identifiers: [{ kind: 'email', form: 'raw', count }],
  policyVersion,
})

function gathered(handOvers: readonly HandOver[]) {
  const gatherer = new DisclosureGatherer()
  for (const one of handOvers) gatherer.add(one)
  return gatherer.result(examplePolicy())
}

describe('what a person was handed to', () => {
  it('says for each recipient which kinds, how often, when first and last, and by which words of the policy', () => {
    expect(gathered([handOver('mailchimp', 5, 2), handOver('mailchimp', 1, 1, 'p0')])).toEqual([
      {
        recipientId: 'mailchimp',
        named: { title: 'mailchimp', role: 'processor', clause: '4', quote: 'We share it.', purposes: ['email-marketing'] },
        kinds: [{ kind: 'email', form: 'raw', times: 2, mostAtOnce: 2, firstAt: exampleTime + 1, lastAt: exampleTime + 5 }],
        times: 2,
        firstAt: exampleTime + 1,
        lastAt: exampleTime + 5,
        policyVersions: ['p0', 'p1'],
      },
    ])
  })

  it('is in the order of the policy, and a recipient that it no longer names comes last', () => {
    expect(
      gathered([handOver('gone', 1), handOver('google-ads', 2), handOver('mailchimp', 3)]).map(({ recipientId, named }) => [
        recipientId,
        named !== undefined,
      ]),
    ).toEqual([
      ['mailchimp', true],
      ['google-ads', true],
      ['gone', false],
    ])
  })

  it('does not depend on the order in which hand-overs are read', () => {
    const some = fc.array(
      fc.tuple(fc.constantFrom('mailchimp', 'google-ads', 'gone'), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 3 })),
    )
    const both = some.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })))
    fc.assert(
      fc.property(both, ([one, other]) => {
        const of = (list: typeof one) => gathered(list.map(([name, at, count]) => handOver(name, at, count)))
        expect(of(one)).toEqual(of(other))
      }),
    )
  })
})
