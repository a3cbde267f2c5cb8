import { randomBytes } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import type { SetPreferencesRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesRequest.ts'
import { GrpcFault } from '@heed/platform/grpc'
import { beforeAll, describe, expect, it } from 'vitest'
import type { DoorContext } from './door.ts'
import { housePolicy } from './harness.ts'
import { parseSet } from './requests.ts'
import { Vault } from './vault.ts'

let context: DoorContext
beforeAll(async () => {
  context = {
    policy: await housePolicy(),
    vault: new Vault({ keks: [{ id: 'k1', secret: randomBytes(32) }], lookup: randomBytes(32), suppression: randomBytes(32) }),
  }
})

const good: SetPreferencesRequest__Output = {
  requestId: 'r-1',
  subject: { ref: 'identifier', identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: 'ada@example.org' } },
  choices: [
    { purpose: 'email-marketing', choice: 'CHOICE_DENIED' },
    { purpose: 'analytics', choice: 'CHOICE_DENIED' },
  ],
  evidence: null,
  origin: 'ORIGIN_KIND_PERSON',
  originReference: '',
  expectedVersion: 0,
}

const refusal = (change: Partial<SetPreferencesRequest__Output>): GrpcFault => {
  try {
    parseSet({ ...good, ...change }, 'a-caller', context)
  } catch (thrown) {
    if (thrown instanceof GrpcFault) return thrown
    throw thrown
  }
  throw new Error('it was taken')
}

describe('the hash of a request', () => {
  const body = (change: Partial<SetPreferencesRequest__Output>) => parseSet({ ...good, ...change }, 'a-caller', context).body

  it('does not depend on the order of choices or the spelling of an address', () => {
    expect(body({ choices: [...good.choices].reverse() })).toBe(body({}))
    expect(body({ subject: { ref: 'identifier', identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: ' ADA@example.org' } } })).toBe(
      body({}),
    )
  })

  it.each<[string, Partial<SetPreferencesRequest__Output>]>([
    ['choice', { choices: [{ purpose: 'email-marketing', choice: 'CHOICE_DENIED' }] }],
    ['person', { subject: { ref: 'identifier', identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: 'bob@example.org' } } }],
    ['origin', { origin: 'ORIGIN_KIND_IMPORT' }],
    ['reference', { originReference: 'x' }],
    ['condition', { expectedVersion: 3 }],
  ])('is another one for another %s', (_, change) => {
    expect(body(change)).not.toBe(body({}))
  })
})

describe('the door', () => {
  it('names every field that is wrong at once', () => {
    const fault = refusal({ requestId: 'has a space', choices: [{ purpose: 'Nonsense', choice: 'CHOICE_UNSPECIFIED' }], subject: null })
    expect(fault.violations.map(({ field }) => field)).toEqual(['request_id', 'subject', 'choices[0].purpose', 'choices[0].choice'])
  })

  it('refuses a text whose encoding was broken', () => {
    const fault = refusal({ subject: { ref: 'identifier', identifier: { kind: 'IDENTIFIER_KIND_USER_ID', value: 'a\ufffdb' } } })
    expect(fault.violations).toEqual([{ field: 'subject.identifier.value', description: 'the text is not UTF-8' }])
  })

  it('names no more faults than a trailer can carry', () => {
    const choices = Array.from({ length: 64 }, () => ({ purpose: 'nonsense', choice: 'CHOICE_UNSPECIFIED' as const }))
    expect(refusal({ choices }).violations).toHaveLength(20)
  })

  test.prop([fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.double()])(
    'takes or refuses whatever comes, and repeats nothing of it',
    (requestId, value, purpose, version) => {
      try {
        parseSet(
          {
            ...good,
            requestId,
            subject: { ref: 'identifier', identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value } },
            choices: [{ purpose, choice: 'CHOICE_DENIED' }],
            expectedVersion: version,
          },
          'a-caller',
          context,
        )
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(GrpcFault)
        if (value.trim().length > 8)
          expect(JSON.stringify({ ...(thrown as GrpcFault), message: (thrown as GrpcFault).message })).not.toContain(value)
      }
    },
  )
})
