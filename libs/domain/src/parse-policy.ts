import { formsOf } from './hash-forms.ts'
import { identifierKinds } from './identifier.ts'
import type { PurposeKey, RecipientId } from './ids.ts'
import { parsePurposeKey, parseRecipientId, purposeOf } from './ids.ts'
import type {
  BusinessCalendar,
  Claim,
  DeadlineRule,
  Fulfilment,
  Grant,
  Instruction,
  Policy,
  Purpose,
  Quotation,
  Recipient,
} from './policy.ts'
import type { Fields, Path, PolicyProblem } from './policy-document.ts'
import { fieldsOf, suggestion } from './policy-document.ts'
import { duties } from './policy-index.ts'

export type { PolicyProblem } from './policy-document.ts'

/** A policy, or everything that keeps the document from being one. */
export type ParsedPolicy =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

const day = /^\d{4}-\d{2}-\d{2}$/

function isDay(text: string): boolean {
  const time = day.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(text)
}

interface Reader {
  readonly problems: PolicyProblem[]
  note(path: Path, message: string): void
}

function readDay(reader: Reader, fields: Fields, key: string): string {
  const text = fields.text(key)
  if (text !== '' && !isDay(text)) reader.note(fields.at(key), 'must be a day of the calendar, as YYYY-MM-DD')
  return text
}

function readCalendar(reader: Reader, fields: Fields | undefined): BusinessCalendar {
  if (fields === undefined) return { utcOffsetMinutes: 0, holidays: [] }
  const seen = new Set<string>()
  return {
    utcOffsetMinutes: fields.number('utcOffsetMinutes', { least: -720, most: 840, whole: true }),
    holidays: fields.list('holidays', (value, path) => {
      if (typeof value !== 'string' || !isDay(value)) reader.note(path, 'must be a day of the calendar, as YYYY-MM-DD in quotes')
      else if (seen.has(value)) reader.note(path, 'this day is listed twice')
      else seen.add(value)
      return typeof value === 'string' ? value : undefined
    }),
  }
}

function readQuotations(reader: Reader, fields: Fields): Quotation[] {
  return fields.list(
    'also',
    (value, path) => {
      const one = fieldsOf(value, path, ['clause', 'quote'], reader.problems)
      return one === undefined ? undefined : { clause: one.text('clause'), quote: one.text('quote') }
    },
    { optional: true },
  )
}

function readClaim(reader: Reader, value: unknown, path: Path): Claim | undefined {
  const fields = fieldsOf(value, path, ['clause', 'quote', 'reason'], reader.problems)
  if (fields === undefined) return undefined
  return { clause: fields.text('clause'), quote: fields.text('quote'), reason: fields.text('reason') }
}

const purposeKeys = ['key', 'title', 'clause', 'quote', 'also', 'refusable', 'default', 'topics']

function readPurpose(reader: Reader, value: unknown, path: Path, seen: Set<string>): Purpose | undefined {
  const fields = fieldsOf(value, path, purposeKeys, reader.problems)
  if (fields === undefined) return undefined
  const readKey = (from: Fields): PurposeKey => {
    const text = from.text('key')
    const key = parsePurposeKey(text)
    if (text !== '' && key === undefined) {
      reader.note(from.at('key'), 'must be lower-case words joined by hyphens; a topic is written <purpose>/<topic>; at most 96 characters')
    }
    if (text !== '' && seen.has(text)) reader.note(from.at('key'), `"${text}" is defined twice`)
    seen.add(text)
    // a stand-in for the rest of the reading: a document with problems becomes no policy
    return key ?? (text as PurposeKey)
  }
  const key = readKey(fields)
  if (key.includes('/')) reader.note(fields.at('key'), 'a purpose has no "/" in its key: list it under the topics of its purpose')
  const refusable = fields.flag('refusable')
  const fallback = fields.oneOf('default', ['granted', 'denied'])
  if (fields.has('refusable') && !refusable && fallback === 'denied') {
    reader.note(fields.at('default'), 'must be granted where the purpose cannot be refused')
  }
  const topics = fields.list(
    'topics',
    (item, itemPath) => {
      const topic = fieldsOf(item, itemPath, ['key', 'title'], reader.problems)
      if (topic === undefined) return undefined
      const topicKey = readKey(topic)
      if (topicKey !== '' && (!topicKey.includes('/') || purposeOf(topicKey) !== key)) {
        reader.note(topic.at('key'), `a topic of this purpose is written ${key}/<topic>`)
      }
      return { key: topicKey, title: topic.text('title') }
    },
    { optional: true },
  )
  if (!refusable && topics.length > 0) reader.note(fields.at('topics'), 'a purpose that cannot be refused has no topics to choose')
  const also = readQuotations(reader, fields)
  return {
    key,
    title: fields.text('title'),
    clause: fields.text('clause'),
    quote: fields.text('quote'),
    refusable,
    default: fallback,
    topics,
    ...(also.length > 0 ? { also } : {}),
  }
}

function readDeadline(fields: Fields | undefined): DeadlineRule {
  if (fields === undefined) return { hours: 0 }
  const why = fields.has('why') ? { why: fields.text('why') } : {}
  // a year bounds both: a longer deadline is a slip of the pen
  if (fields.has('businessDays')) return { businessDays: fields.number('businessDays', { least: 1, most: 260, whole: true }), ...why }
  return { hours: fields.number('hours', { least: 0.01, most: 8760, whole: false }), ...why }
}

/** A deadline of a recipient that is told: one number, of hours or of business days. */
function readRule(reader: Reader, recipient: Fields, key: 'deadline' | 'erasure'): DeadlineRule {
  const rule = readDeadline(recipient.group(key, ['hours', 'businessDays', 'why']))
  const given = recipient.value(key)
  if (typeof given === 'object' && given !== null && 'hours' in given && 'businessDays' in given) {
    reader.note(recipient.at(key), 'must give hours or businessDays, not both')
  }
  return rule
}

function readSettings(reader: Reader, fields: Fields): Readonly<Record<string, unknown>> {
  if (!fields.has('settings')) return {}
  const settings = fields.value('settings')
  if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) return settings as Readonly<Record<string, unknown>>
  reader.note(fields.at('settings'), 'must be a group of keys')
  return {}
}

const instructionKeys = ['refused', 'granted', 'erased'] as const

function readInstruction(reader: Reader, fulfilment: Fields): Instruction {
  const fields = fulfilment.group('instruction', instructionKeys)
  if (fields === undefined) return { refused: [] }
  const steps = (key: (typeof instructionKeys)[number]): readonly string[] => {
    const read = fields.list(key, (value, path) => {
      if (typeof value === 'string' && value.trim() !== '') return value.trim()
      reader.note(path, 'must be a step, as a text')
      return undefined
    })
    if (Array.isArray(fields.value(key)) && read.length === 0) reader.note(fields.at(key), 'must hold at least one step')
    return read
  }
  return {
    refused: steps('refused'),
    ...(fields.has('granted') ? { granted: steps('granted') } : {}),
    ...(fields.has('erased') ? { erased: steps('erased') } : {}),
  }
}

const fulfilmentKeys = {
  connector: ['by', 'connector', 'settings'],
  person: ['by', 'ownerRole', 'instruction'],
  nobody: ['by', 'reason'],
} as const

function readFulfilment(reader: Reader, recipient: Fields): Fulfilment {
  const nobody: Fulfilment = { by: 'nobody', reason: '' }
  const everyKey = [...new Set(Object.values(fulfilmentKeys).flat())]
  const fields = recipient.group('fulfilment', everyKey)
  if (fields === undefined) return nobody
  const by = fields.oneOf('by', ['connector', 'person', 'nobody'])
  for (const key of everyKey) {
    const belongs = (fulfilmentKeys[by] as readonly string[]).includes(key)
    if (fields.has('by') && !belongs && fields.has(key)) reader.note(fields.at(key), `does not belong to a fulfilment by ${by}`)
  }
  switch (by) {
    case 'connector': {
      const connector = fields.text('connector')
      if (connector !== '' && parseRecipientId(connector) === undefined)
        reader.note(fields.at('connector'), 'must be lower-case words joined by hyphens')
      if (connector === duties)
        reader.note(fields.at('connector'), 'the duty of a person is written `by: person`, with an ownerRole and an instruction')
      return { by, connector, settings: readSettings(reader, fields) }
    }
    case 'person': {
      const ownerRole = fields.text('ownerRole')
      if (ownerRole !== '' && parseRecipientId(ownerRole) === undefined)
        reader.note(
          fields.at('ownerRole'),
          'must be lower-case words joined by hyphens: callers are given the right to be handed identifiers by it',
        )
      return { by, ownerRole, instruction: readInstruction(reader, fields) }
    }
    case 'nobody':
      return { by, reason: fields.text('reason') }
    default:
      return by satisfies never
  }
}

function readGrant(reader: Reader, value: unknown, path: Path): Grant | undefined {
  const fields = fieldsOf(value, path, ['kind', 'form'], reader.problems)
  if (fields === undefined) return undefined
  const before = reader.problems.length
  const kind = fields.oneOf('kind', identifierKinds)
  const form = fields.text('form')
  const forms = formsOf(kind)
  if (reader.problems.length === before && !forms.includes(form)) {
    reader.note(fields.at('form'), `must be a form of ${kind} (${forms.join(', ')})${suggestion(form, forms)}`)
  }
  return { kind, form }
}

const recipientKeys = [
  'id',
  'title',
  'role',
  'clause',
  'quote',
  'also',
  'purposes',
  'grants',
  'deadline',
  'erasure',
  'retired',
  'fulfilment',
]

function readRetired(reader: Reader, recipient: Fields, told: boolean): Recipient['retired'] {
  if (!recipient.has('retired')) return undefined
  if (!told) reader.note(recipient.at('retired'), 'nobody has to be told here: take the recipient out')
  const fields = recipient.group('retired', ['since', 'why'])
  return fields === undefined ? undefined : { since: readDay(reader, fields, 'since'), why: fields.text('why') }
}

function readRecipient(reader: Reader, value: unknown, path: Path, seen: Set<string>, purposes: readonly Purpose[]): Recipient | undefined {
  const fields = fieldsOf(value, path, recipientKeys, reader.problems)
  if (fields === undefined) return undefined
  const id = fields.text('id')
  if (id !== '' && parseRecipientId(id) === undefined) {
    reader.note(fields.at('id'), 'must be lower-case words joined by hyphens, beginning with a letter; at most 48 characters')
  }
  if (id !== '' && seen.has(id)) reader.note(fields.at('id'), `"${id}" is defined twice`)
  seen.add(id)
  const known = purposes.map(({ key }) => key as string)
  const served = new Set<string>()
  const serving = fields.list('purposes', (item, itemPath) => {
    if (typeof item !== 'string') {
      reader.note(itemPath, 'must be the key of a purpose')
      return undefined
    }
    if (!known.includes(item)) {
      reader.note(
        itemPath,
        item.includes('/') ? 'a recipient serves purposes, never topics' : `no purpose "${item}" is defined${suggestion(item, known)}`,
      )
    }
    if (served.has(item)) reader.note(itemPath, `"${item}" is named twice`)
    served.add(item)
    return item as PurposeKey
  })
  const granted = new Set<string>()
  const grants = fields.list('grants', (item, itemPath) => {
    const grant = readGrant(reader, item, itemPath)
    if (grant === undefined) return undefined
    // several forms of one kind are for partners that know a person by any of several hashes; whether a connector heeds each, the check of the policy finds out
    const once = `${grant.kind} as ${grant.form}`
    if (granted.has(once)) reader.note(itemPath, `${once} is granted twice`)
    granted.add(once)
    return grant
  })
  const fulfilment = readFulfilment(reader, fields)
  const told = fulfilment.by !== 'nobody'
  if (!told && fields.has('deadline')) reader.note(fields.at('deadline'), 'no clock runs where nobody has to be told: leave it out')
  if (!told && grants.length > 0) reader.note(fields.at('grants'), 'must be empty where nobody is told: Heed hands nothing over there')
  if (told && fields.has('purposes') && serving.length === 0)
    reader.note(fields.at('purposes'), 'must name at least one purpose: otherwise it is never told anything')
  if (told && fields.has('grants') && grants.length === 0) {
    reader.note(fields.at('grants'), 'must name at least one identifier: nobody can be named to this recipient without')
  }
  if (fulfilment.by === 'person' && fulfilment.instruction.erased !== undefined && !fields.has('erasure'))
    reader.note(fields.at('fulfilment'), 'says what to do at an erasure, and there is no clock for one: give `erasure` as well')
  if (!told && fields.has('erasure')) reader.note(fields.at('erasure'), 'nobody can tell it to erase: leave it out')
  const deadline = told ? readRule(reader, fields, 'deadline') : { hours: 0 }
  const erasure = told && fields.has('erasure') ? readRule(reader, fields, 'erasure') : undefined
  const retired = readRetired(reader, fields, told)
  const also = readQuotations(reader, fields)
  return {
    id: id as RecipientId,
    title: fields.text('title'),
    role: fields.oneOf('role', ['processor', 'controller', 'joint-controller']),
    clause: fields.text('clause'),
    quote: fields.text('quote'),
    purposes: serving,
    grants,
    deadline,
    ...(erasure === undefined ? {} : { erasure }),
    ...(retired === undefined ? {} : { retired }),
    fulfilment,
    ...(also.length > 0 ? { also } : {}),
  }
}

const policyKeys = [
  'id',
  'version',
  'title',
  'effectiveFrom',
  'proseFile',
  'calendar',
  'evidenceMaxAgeDays',
  'purposes',
  'recipients',
  'claims',
]

/**
 * A document (plain data, as a YAML or JSON reader gives it) as a policy: complete, without unknown keys, without a purpose or form that does not exist.
 * All problems are found in one go; a policy comes out only where there is none.
 */
export function parsePolicy(document: unknown): ParsedPolicy {
  const problems: PolicyProblem[] = []
  const reader: Reader = { problems, note: (path, message) => problems.push({ path, message }) }
  const fields = fieldsOf(document, [], policyKeys, problems)
  if (fields === undefined) return { ok: false, problems }
  const id = fields.text('id')
  if (id !== '' && parseRecipientId(id) === undefined) reader.note(fields.at('id'), 'must be lower-case words joined by hyphens')
  const version = fields.text('version')
  if (version !== '' && !/^[A-Za-z0-9._-]{1,64}$/.test(version))
    reader.note(fields.at('version'), 'must be letters, digits and . _ -, at most 64')
  const title = fields.text('title')
  const effectiveFrom = readDay(reader, fields, 'effectiveFrom')
  const proseFile = fields.has('proseFile') ? fields.text('proseFile') : undefined
  if (proseFile !== undefined && /[/\\]/.test(proseFile))
    reader.note(fields.at('proseFile'), 'must be the name of a file in the same folder')
  const calendar = readCalendar(reader, fields.group('calendar', ['utcOffsetMinutes', 'holidays']))
  const evidenceMaxAgeDays = fields.number('evidenceMaxAgeDays', { least: 1, most: 3650, whole: true })
  const keys = new Set<string>()
  const purposes = fields.list('purposes', (value, path) => readPurpose(reader, value, path, keys))
  const ids = new Set<string>()
  const recipients = fields.list('recipients', (value, path) => readRecipient(reader, value, path, ids, purposes))
  if (fields.has('purposes') && purposes.length === 0) reader.note(fields.at('purposes'), 'must define at least one purpose')
  const claims = fields.list('claims', (value, path) => readClaim(reader, value, path), { optional: true })
  if (problems.length > 0) return { ok: false, problems }
  return {
    ok: true,
    policy: {
      id,
      version,
      title,
      effectiveFrom,
      calendar,
      evidenceMaxAgeDays,
      purposes,
      recipients,
      ...(proseFile === undefined ? {} : { proseFile }),
      ...(claims.length > 0 ? { claims } : {}),
    },
  }
}
