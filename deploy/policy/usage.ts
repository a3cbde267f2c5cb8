import { createHash } from 'node:crypto'
import {
  type Connector,
  type ResolvedIdentifier,
  resolveReferences,
  SettingsError,
  separateUpkeep,
  type Task,
  upkeepOf,
} from '@heed/connector-kit'
import {
  type Digest,
  deliveryIdOf,
  deriveForm,
  type Grant,
  type IdentifierKind,
  mustBeTold,
  type Policy,
  type PurposeKey,
  parseIdentifier,
  type Recipient,
  subjectIdOf,
} from '@heed/domain'
import { atPolicy, type CoverageProblem } from './coverage.ts'

/** A connector whatever its settings are: the check gives it nothing but what it has parsed itself. */
export type AnyConnector = Connector<never>

/** Two of each kind: whoever tells only the first of several leaves the person on the list under the others. */
const examples: Readonly<Record<IdentifierKind, readonly [string, string]>> = {
  email: ['ada.l+news@gmail.com', 'ada@example.org'],
  phone: ['+14155550123', '+442071838750'],
  'user-id': ['crm-4711', 'crm-4712'],
  'browser-id': ['1234567890.1700000000', '1234567891.1700000001'],
  'app-instance-id': ['0123456789abcdef0123456789abcdef', '0123456789abcdef0123456789abcdee'],
  idfa: ['C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A93', 'C0A8F3D2-5B41-4E77-9D0A-2F6B8E1C4A94'],
  gaid: ['38400000-8cf0-11bd-b23e-10b96e40000d', '38400000-8cf0-11bd-b23e-10b96e40000e'],
  'linkedin-click-id': ['li-1', 'li-2'],
  'x-click-id': ['tw-1', 'tw-2'],
  'meta-click-id': ['fb.1.1700000000.a', 'fb.1.1700000000.b'],
  'microsoft-click-id': ['ms-1', 'ms-2'],
}

const digest: Digest = (name, text) => createHash(name).update(text).digest()

/** What a recipient is handed of the example person under one grant. */
function identifiersOf({ kind, form }: Grant): ResolvedIdentifier[] {
  return examples[kind].flatMap((text) => {
    const parsed = parseIdentifier(kind, text)
    if (!parsed.ok) return []
    const [today] = deriveForm(kind, parsed.identifier.value, form, digest)
    return today === undefined ? [] : [{ kind, form, value: today }]
  })
}

const refusal = (recipient: Recipient, identifiers: readonly ResolvedIdentifier[]): Task => {
  const subjectId = subjectIdOf(new Uint8Array(16))
  const wanted: Record<PurposeKey, 'denied'> = {}
  for (const purpose of recipient.purposes) wanted[purpose] = 'denied'
  return {
    deliveryId: deliveryIdOf(recipient.id, subjectId, 1),
    recipientId: recipient.id,
    subjectId,
    assertion: 0,
    version: 1,
    kind: 'preference',
    wanted,
    changed: [...recipient.purposes],
    evidence: {},
    identifiers,
    acceptedAt: 0,
    unknownBefore: false,
  }
}

// what a reference of the policy file could stand for: good enough to be read as settings, and never used
const standIns: readonly (readonly [setting: RegExp, text: string])[] = [
  [/port$/i, '22'],
  [/url$/i, 'https://vendor.example'],
  [/(?:seconds|minutes|hours|days|perMinute|perDay|requests|rows)$/i, '60'],
  [/file$/i, '/run/secrets/stand-in'],
  [/keys?$/i, 'a'.repeat(64)],
]

/** The variables that settings name, each with a text that its setting would take. */
function standInsFor(value: unknown, name = ''): Record<string, string> {
  if (typeof value === 'string') {
    const variable = /^env:(\w+)$/.exec(value)?.[1]
    if (variable === undefined) return {}
    return { [variable]: standIns.find(([setting]) => setting.test(name))?.[1] ?? 'stand-in.example' }
  }
  if (typeof value !== 'object' || value === null) return {}
  return Object.assign({}, ...Object.entries(value).map(([key, inner]) => standInsFor(inner, Array.isArray(value) ? name : key)))
}

const asText = (planned: unknown): string =>
  JSON.stringify(planned, (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value))

/**
 * What a connector really does with what its recipient is granted: each identifier that a person may have must change what would be sent for her refusal, the
 * second of a kind as well as the first, and a person of whom nothing but that kind is known must be told of.
 */
export async function recipientUsage(
  recipient: Recipient,
  path: readonly (string | number)[],
  connector: AnyConnector,
): Promise<CoverageProblem[]> {
  const { fulfilment, grants } = recipient
  const at = (part: readonly (string | number)[], message: string) => atPolicy([...path, ...part], `recipient ${recipient.id}: ${message}`)
  const problems: CoverageProblem[] = []
  for (const [index, grant] of grants.entries()) {
    if (identifiersOf(grant).length < 2) problems.push(at(['grants', index, 'form'], `no ${grant.kind} can be resolved as ${grant.form}`))
  }
  if (problems.length > 0 || fulfilment.by !== 'connector') return problems
  const { given, own } = separateUpkeep(fulfilment.settings)
  let settings: never
  try {
    settings = connector.parseSettings(await resolveReferences(own, standInsFor(own)))
    // a reference is known where the connector runs
    const said = Object.entries(given).filter(([, value]) => typeof value !== 'string')
    upkeepOf(Object.fromEntries(said), typeof connector.descriptor === 'function' ? connector.descriptor(settings) : connector.descriptor)
  } catch (thrown) {
    if (!(thrown instanceof SettingsError)) throw thrown
    const parts = thrown.field.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
    return [at(['fulfilment', 'settings', ...parts], `its connector refuses the setting ${thrown.message}`)]
  }
  const { identifiers: kinds, withoutValues } =
    typeof connector.descriptor === 'function' ? connector.descriptor(settings) : connector.descriptor
  // a kind that holds no values may use any of them
  if (withoutValues === true) return []
  // the same order and the same choice as the kit's
  const handed = grants.filter(({ kind }) => kinds.includes(kind)).flatMap(identifiersOf)
  const planFor = (identifiers: readonly ResolvedIdentifier[]) =>
    connector.plan([refusal(recipient, identifiers)], settings, { sequence: 1, openedAt: 0, extent: 'delta' })
  const whole = asText(planFor(handed))
  for (const [index, { kind }] of grants.entries()) {
    const own = handed.filter((identifier) => identifier.kind === kind)
    const heeded = own.filter((left) => asText(planFor(handed.filter((identifier) => identifier !== left))) !== whole)
    const alone = own.length > 0 && planFor(own).some(({ via }) => via !== 'nothing')
    const place = ['grants', index, 'kind']
    if (heeded.length === 0) problems.push(at(place, `is granted ${kind}, and its connector does nothing with it`))
    else if (heeded.length < own.length) problems.push(at(place, `has several of ${kind}, and its connector tells of one only`))
    else if (!alone) problems.push(at(place, `is granted ${kind}, and its connector tells nothing of somebody of whom no more is known`))
  }
  return problems
}

/** The same for every recipient whose connector is there. `connectors` has them by kind. */
export async function usageProblems(policy: Policy, connectors: ReadonlyMap<string, AnyConnector>): Promise<CoverageProblem[]> {
  const found = await Promise.all(
    policy.recipients.map(async (recipient, index) => {
      if (!mustBeTold(recipient)) return []
      const kind = recipient.fulfilment.by === 'connector' ? recipient.fulfilment.connector : 'manual'
      const connector = connectors.get(kind)
      return connector === undefined ? [] : recipientUsage(recipient, ['recipients', index], connector)
    }),
  )
  return found.flat()
}
