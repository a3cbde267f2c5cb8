import { choiceWords, identifierKindWords, toTimestamp } from '@heed/contracts'
import type { BatchCheckPermissionRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/BatchCheckPermissionRequest.ts'
import type { BatchCheckPermissionResponse } from '@heed/contracts/gen/heed/preferences/v1/BatchCheckPermissionResponse.ts'
import type { CheckPermissionRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/CheckPermissionRequest.ts'
import type { CheckPermissionResponse } from '@heed/contracts/gen/heed/preferences/v1/CheckPermissionResponse.ts'
import type { DutySteps } from '@heed/contracts/gen/heed/preferences/v1/DutySteps.ts'
import type { GetPolicyRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/GetPolicyRequest.ts'
import type { GetPolicyResponse } from '@heed/contracts/gen/heed/preferences/v1/GetPolicyResponse.ts'
import type { GetPreferencesRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/GetPreferencesRequest.ts'
import type { GetPreferencesResponse } from '@heed/contracts/gen/heed/preferences/v1/GetPreferencesResponse.ts'
import type { PlanChangeRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/PlanChangeRequest.ts'
import type { PlanChangeResponse } from '@heed/contracts/gen/heed/preferences/v1/PlanChangeResponse.ts'
import type { ScanSnapshotsRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/ScanSnapshotsRequest.ts'
import type { ScanSnapshotsResponse } from '@heed/contracts/gen/heed/preferences/v1/ScanSnapshotsResponse.ts'
import type { WatchChangesRequest__Output } from '@heed/contracts/gen/heed/preferences/v1/WatchChangesRequest.ts'
import type { WatchChangesResponse } from '@heed/contracts/gen/heed/preferences/v1/WatchChangesResponse.ts'
import {
  type Choice,
  changeIdOf,
  decideChange,
  deliveriesFor,
  effectiveChoice,
  findRecipient,
  heldChoice,
  heldKeys,
  type IdentifierKind,
  type Instruction,
  mayUse,
  type PermissionQuestion,
  type Policy,
  type PurposeKey,
  type Recipient,
} from '@heed/domain'
import type { CallContext } from '@heed/platform/grpc'
import { type ChangesWatch, parseResumeToken, resumeToken, unknownToken } from './changes-watch.ts'
import { Door, type DoorContext, type PersonRef } from './door.ts'
import { refusalFault, unknownSubject } from './faults.ts'
import type { Journal } from './journal.ts'
import type { People, Person } from './people.ts'
import type { ChangeRow, Store } from './rows.ts'
import { scanSnapshots, snapshotRecord } from './snapshots-scan.ts'
import { permissionReasons } from './wire-words.ts'

/** What the reading calls need. */
export interface ReadsApi {
  readonly door: DoorContext
  readonly people: People
  readonly journal: Journal
  readonly store: Store
  readonly watch: ChangesWatch
  readonly now: () => number
}

const wireChoice = (purpose: string, choice: Choice) => ({ purpose, choice: choiceWords.toWire(choice) })

/** Every purpose and topic of the policy, in its order. */
function everyKey(policy: Policy): PurposeKey[] {
  return policy.purposes.flatMap(({ key, topics }) => [key, ...topics.map((topic) => topic.key)])
}

/** GetPreferences, the checks, PlanChange, WatchChanges, ScanSnapshots and GetPolicy. */
export function readHandlers(api: ReadsApi) {
  const { people, journal, store, watch, now } = api
  const { policy } = api.door
  const keys = everyKey(policy)
  const shown = shownPolicy(policy)

  const one = async (ref: PersonRef): Promise<Person> => {
    const [person] = await people.find([ref], () => 'subject')
    if (person === undefined) throw unknownSubject()
    return person
  }

  const parsePerson = (door: Door, given: Parameters<Door['person']>[1]): PersonRef => {
    const ref = door.person('subject', given)
    door.done()
    if (ref === undefined) throw unknownSubject()
    return ref
  }

  const parseQuestion = (door: Door, request: { recipientId: string; purpose: string }): PermissionQuestion => {
    if (request.recipientId === '' && request.purpose === '')
      door.refuse('recipient_id', 'name a recipient, a purpose, or both', 'QUESTION_EMPTY')
    const recipientId = request.recipientId === '' ? undefined : door.recipient('recipient_id', request.recipientId)?.id
    const purpose = request.purpose === '' ? undefined : door.purpose('purpose', request.purpose)
    return { ...(recipientId === undefined ? {} : { recipientId }), ...(purpose === undefined ? {} : { purpose }) }
  }

  const permission = (person: Person, question: PermissionQuestion): CheckPermissionResponse => {
    const { allowed, reason, deniedPurposes } = mayUse(policy, person.snapshot, question)
    return {
      allowed,
      reason: permissionReasons[reason],
      deniedPurposes: question.recipientId === undefined ? [] : [...deniedPurposes],
      version: person.snapshot.version,
    }
  }

  return {
    GetPreferences: async (request: GetPreferencesRequest__Output): Promise<GetPreferencesResponse> => {
      const person = await one(parsePerson(new Door(api.door), request.subject))
      const { subjectId, snapshot } = person
      if (subjectId === undefined) throw unknownSubject()
      const kinds = await people.kinds(person)
      return {
        subjectId,
        version: snapshot.version,
        chosen: heldKeys(snapshot).flatMap((key) => {
          const held = heldChoice(snapshot, key)
          return held === undefined ? [] : [{ ...wireChoice(key, held.choice), version: held.version, at: toTimestamp(held.at) }]
        }),
        effective: keys.map((key) => wireChoice(key, effectiveChoice(policy, snapshot, key))),
        identifierKinds: [...kinds.keys()].sort().map((kind) => identifierKindWords.toWire(kind)),
        mergedFromSubjectId: person.mergedFrom ?? '',
      }
    },

    CheckPermission: async (request: CheckPermissionRequest__Output): Promise<CheckPermissionResponse> => {
      const door = new Door(api.door)
      const question = parseQuestion(door, request)
      return permission(await one(parsePerson(door, request.subject)), question)
    },

    BatchCheckPermission: async (request: BatchCheckPermissionRequest__Output): Promise<BatchCheckPermissionResponse> => {
      const door = new Door(api.door)
      const question = parseQuestion(door, request)
      const field = (index: number) => `subjects[${index}]`
      const refs: PersonRef[] = []
      if (door.count('subjects', request.subjects, 1, 1_000)) {
        for (const [index, subject] of request.subjects.entries()) {
          const ref = door.person(field(index), subject)
          if (ref !== undefined) refs.push(ref)
        }
      }
      door.done()
      return { results: (await people.find(refs, field)).map((person) => permission(person, question)) }
    },

    PlanChange: async (request: PlanChangeRequest__Output, context: CallContext): Promise<PlanChangeResponse> => {
      const door = new Door(api.door)
      const requested = door.choices('choices', request.choices)
      const evidence = door.evidence('evidence', request.evidence)
      const origin = door.origin('origin', request.origin, context.caller.id, undefined)
      const ref = parsePerson(door, request.subject)
      const person = await one(ref)
      const decision = decideChange({
        policy,
        current: person.snapshot,
        requested,
        ...(evidence === undefined ? {} : { evidence }),
        origin,
        now: now(),
      })
      if (decision.kind === 'refused') throw refusalFault(decision.violations)
      if (decision.kind === 'unchanged') return { wouldChange: false, deliveries: [] }
      const kinds = await people.kinds(person)
      // somebody whom nobody knows yet would come in with the identifier of this very request
      if (person.subjectId === undefined && ref.by === 'identifier') kinds.set(ref.identifier.kind, 1)
      return { wouldChange: true, deliveries: deliveriesFor(policy, decision.change).map((delivery) => planned(policy, delivery, kinds)) }
    },

    WatchChanges: async function* (request: WatchChangesRequest__Output, context: CallContext): AsyncGenerator<WatchChangesResponse> {
      const { resumeToken: token, fromStart } = request
      const given = token === '' ? undefined : parseResumeToken(token)
      if (token !== '' && given === undefined) throw unknownToken()
      const start = given ?? (fromStart ? { batch: 0, index: 0 } : await watch.newestPlace())
      for await (const { place, row } of watch.from(start, context.signal)) yield watched(row, resumeToken(place))
    },

    ScanSnapshots: async function* (request: ScanSnapshotsRequest__Output, context: CallContext): AsyncGenerator<ScanSnapshotsResponse> {
      const door = new Door(api.door)
      const only = request.subjectId === '' ? undefined : door.subjectId('subject_id', request.subjectId)
      if (request.cursor !== '') door.subjectId('cursor', request.cursor)
      const purposes = request.purposes.flatMap((text, index) => door.purpose(`purposes[${index}]`, text) ?? [])
      door.done()
      if (only !== undefined) {
        const person = await one({ by: 'subject', subjectId: only })
        const row = person.mergedFrom === undefined ? person.row : (await journal.newest([only])).get(only)
        yield { snapshots: row === undefined ? [] : [snapshotRecord(row)], cursor: only, total: 1 }
        return
      }
      const total = await store.subjects.estimatedDocumentCount()
      for await (const { rows, cursor } of scanSnapshots({ store, journal, cursor: request.cursor, purposes, signal: context.signal })) {
        yield { snapshots: rows.map(snapshotRecord), cursor, total }
      }
    },

    GetPolicy: async (_request: GetPolicyRequest__Output): Promise<GetPolicyResponse> => shown,
  }
}

/** What a delivery would hand over, and to whom. */
export function planned(policy: Policy, delivery: ReturnType<typeof deliveriesFor>[number], kinds: ReadonlyMap<IdentifierKind, number>) {
  const recipient: Recipient | undefined = findRecipient(policy, delivery.recipientId)
  return {
    recipientId: delivery.recipientId,
    title: recipient?.title ?? '',
    wanted: (Object.entries(delivery.wanted) as [PurposeKey, Choice][]).map(([key, choice]) => wireChoice(key, choice)),
    identifiers: (recipient?.grants ?? []).flatMap(({ kind, form }) => {
      const count = kinds.get(kind) ?? 0
      return count === 0 ? [] : [{ kind: identifierKindWords.toWire(kind), form, count }]
    }),
    deadlineAt: toTimestamp(delivery.deadlineAt),
    fulfilledBy: recipient?.fulfilment.by ?? '',
    clause: recipient?.clause ?? '',
  }
}

function watched(row: ChangeRow, token: string): WatchChangesResponse {
  return {
    resumeToken: token,
    changeId: changeIdOf(row.subjectId, row.version),
    subjectId: row.subjectId,
    version: row.version,
    choices: Object.entries(row.choices).map(([key, held]) => wireChoice(key, held.choice)),
    changed: [...row.changed],
    acceptedAt: toTimestamp(row.acceptedAt.getTime()),
    policyVersion: row.policyVersion,
  }
}

function shownPolicy(policy: Policy): GetPolicyResponse {
  return {
    id: policy.id,
    version: policy.version,
    title: policy.title,
    purposes: policy.purposes.map(({ key, title, clause, refusable, default: byDefault, topics }) => ({
      key,
      title,
      clause,
      refusable,
      defaultChoice: choiceWords.toWire(byDefault),
      topics: topics.map((topic) => ({ key: topic.key, title: topic.title })),
    })),
    recipients: policy.recipients.map(({ id, title, clause, role, purposes, grants, fulfilment }) => ({
      id,
      title,
      clause,
      role,
      purposes: [...purposes],
      grants: grants.map(({ kind, form }) => ({ kind: identifierKindWords.toWire(kind), form, count: 0 })),
      fulfilledBy: fulfilment.by,
      connector: fulfilment.by === 'connector' ? fulfilment.connector : '',
      ...(fulfilment.by === 'person' ? { ownerRole: fulfilment.ownerRole, steps: stepsOf(fulfilment.instruction) } : {}),
    })),
  }
}

function stepsOf({ refused, granted = [], erased = refused }: Instruction): DutySteps {
  return { refused: [...refused], granted: [...granted], erased: [...erased] }
}
