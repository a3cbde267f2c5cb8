import { testConnector } from '@heed/connector-kit/conformance'
import { anErasure, anOptIn, anOptOut } from '@heed/testkit'
import { describe, expect, it } from 'vitest'
import { type ManualSettings, manual } from './connector.ts'

const settings: ManualSettings = { ownerRole: 'advertising-operations', undoes: true }
const batch = { sequence: 0, openedAt: 0, extent: 'delta' } as const
const outcomes = (tasks: Parameters<typeof manual.plan>[0], own = settings) =>
  manual.plan(tasks, own, batch).map((planned) => (planned.via === 'nothing' ? planned.outcome : planned))

testConnector(manual, { settings, tasks: [anOptOut('ada@example.org'), anOptIn('bob@example.org'), anErasure('cy@example.org')] })

describe('a recipient that no program can tell', () => {
  it('makes a refusal and an erasure the duty of a person, and sends nothing', () => {
    expect(outcomes([anOptOut('ada@example.org'), anErasure('cy@example.org')])).toEqual([
      { kind: 'rejected', reason: 'item.manual-duty' },
      { kind: 'rejected', reason: 'item.manual-duty' },
    ])
  })

  it('makes a consent a duty only where the policy says what has to be undone', () => {
    expect(outcomes([anOptIn('bob@example.org')])).toEqual([{ kind: 'rejected', reason: 'item.manual-duty' }])
    expect(outcomes([anOptIn('bob@example.org')], { ...settings, undoes: false })).toEqual([
      { kind: 'notApplicable', reason: 'not-applicable.nothing-to-undo' },
    ])
  })

  it('asks nobody to do anything where nothing is refused and nobody consented', () => {
    expect(outcomes([anOptIn('bob@example.org', { evidence: {} })])).toEqual([
      { kind: 'notApplicable', reason: 'not-applicable.nothing-held-there' },
    ])
  })

  it('asks for no values: whoever does the duty is handed them by name', () => {
    expect(typeof manual.descriptor === 'function' ? undefined : manual.descriptor.withoutValues).toBe(true)
  })

  it('reads from the policy whose duty it is and whether a consent undoes anything', () => {
    expect(manual.parseSettings({ ownerRole: 'desk', instruction: { refused: ['Do it.'] } })).toEqual({ ownerRole: 'desk', undoes: false })
    expect(manual.parseSettings({ ownerRole: 'desk', instruction: { refused: ['Do it.'], granted: ['Undo it.'] } })).toMatchObject({
      undoes: true,
    })
    expect(() => manual.parseSettings({ instruction: { refused: [] } })).toThrow('ownerRole')
    expect(() => manual.parseSettings({ ownerRole: 'desk' })).toThrow('instruction')
  })
})
