import type { Router } from 'express'
import { z } from 'zod'
import type { Cell, VendorControl, VendorPage } from '../frame/vendor.ts'
import type { Audience, AudienceBelief, AudienceBook } from './book.ts'
import { generatedPerson, keyValue, type PersonInput } from './people.ts'

/** Some of the settings. */
export type SomeOf<Settings> = { readonly [Name in keyof Settings]?: Settings[Name] | undefined }

/** What every vendor that keeps audiences can be told and asked beside its API. */
export interface AudienceControl<Fault extends string, Settings> extends VendorControl<Fault, AudienceBelief> {
  audiences(): readonly Audience[]
  /** Adds an audience, or describes one of this id anew and keeps its members. */
  addAudience(audience: Audience): void
  /** Tells the vendor of people whom it knows itself, in clear; it then recognises them in what it is sent. */
  know(people: readonly PersonInput[]): void
  /** Puts a person, whom the vendor then knows, into the audience under every identifier that it takes. */
  seedMember(audienceId: string, person: PersonInput): void
  /** Puts `person-<from>@example.com` to `person-<from + count - 1>@example.com` into the audience. */
  seedMembers(audienceId: string, options: { readonly count: number; readonly from?: number | undefined }): void
  /** Puts a person into every audience that takes any of their identifiers. */
  seedEverywhere(person: PersonInput): void
  configure(settings: SomeOf<Settings>): void
  /** How many requests were taken and are not worked off yet. */
  underWay(): number
}

/** The part of the control that is the same for all of them. */
export type AudienceOwn<Settings> = Omit<AudienceControl<never, Settings>, Exclude<keyof VendorControl<never, never>, 'beliefs' | 'person'>>

/** The control over a book. `seedExpiry` says when a seeded membership ends by itself, if it does. */
export function audienceControl<Settings extends object>(
  book: AudienceBook,
  settings: Settings,
  underWay: () => number,
  seedExpiry: (audience: Audience) => number | undefined = () => undefined,
): AudienceOwn<Settings> {
  const audienceOf = (id: string): Audience => {
    const audience = book.find(id)
    if (audience === undefined) throw new RangeError(`no audience ${id}`)
    return audience
  }
  const seed = (audience: Audience, person: PersonInput): boolean => {
    const keys = book.keysFor(audience, person)
    if (keys.length === 0) return false
    book.know([person])
    book.put(audience, keys, seedExpiry(audience))
    return true
  }
  return {
    audiences: () => book.audiences(),
    addAudience: (audience) => book.addAudience(audience),
    know: (people) => book.know(people),
    seedMember(audienceId, person) {
      if (!seed(audienceOf(audienceId), person)) throw new RangeError('the audience takes none of their identifiers')
    },
    seedMembers(audienceId, { count, from = 1 }) {
      const audience = audienceOf(audienceId)
      for (let n = from; n < from + count; n += 1) seed(audience, generatedPerson(n))
    },
    seedEverywhere(person) {
      for (const audience of book.audiences()) seed(audience, person)
    },
    configure: (given) =>
      void Object.assign(settings, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))),
    underWay,
    beliefs: () => book.beliefs(),
    person: (question) => book.about(question),
  }
}

const identifiers = z.array(z.string().min(1)).optional()
const personShape = z.union([
  z.string().min(1),
  z.strictObject({ addresses: identifiers, phones: identifiers, deviceIds: identifiers, userIds: identifiers, handles: identifiers }),
])
const audienceBody = z.strictObject({
  id: z.string().regex(/^[\w-]+$/),
  name: z.string().min(1),
  account: z.string().optional(),
  holds: z.array(z.string()).optional(),
})
const seedBody = z.strictObject({
  audienceId: z.string().optional(),
  people: z.array(personShape).default([]),
  generate: z.strictObject({ count: z.int().positive().max(1_000_000), from: z.int().positive().optional() }).optional(),
})
const knowBody = z.strictObject({ people: z.array(personShape) })

/**
 * `/_control/<vendor>/…`: connection, audiences, seed, know, settings. A seed without an audience goes into every one that fits.
 * `connection` is told where the asking client reaches the sandbox.
 */
export function audienceControlRoutes<Settings extends object>(
  router: Router,
  control: AudienceOwn<Settings>,
  settingsSchema: z.ZodType<SomeOf<Settings>>,
  connection: (origin: string) => object,
): void {
  router.get('/connection', ({ headers }, response) => void response.json(connection(`http://${headers.host}`)))
  router.get('/audiences', (_request, response) => void response.json({ audiences: control.audiences() }))
  router.post('/audiences', (request, response) => {
    const audience = audienceBody.parse(request.body)
    control.addAudience(audience)
    response.json(audience)
  })
  router.post('/seed', (request, response) => {
    const { audienceId, people, generate } = seedBody.parse(request.body)
    for (const person of people) {
      if (audienceId === undefined) control.seedEverywhere(person)
      else control.seedMember(audienceId, person)
    }
    const meant = audienceId === undefined ? control.audiences().map(({ id }) => id) : [audienceId]
    if (generate !== undefined) for (const id of meant) control.seedMembers(id, generate)
    response.json({ seeded: people.length + (generate?.count ?? 0) })
  })
  router.post('/know', (request, response) => {
    const { people } = knowBody.parse(request.body)
    control.know(people)
    response.json({ known: people.length })
  })
  router.post('/settings', (request, response) => {
    control.configure(settingsSchema.parse(request.body))
    response.status(204).end()
  })
}

/** What the page shows of a vendor's audiences. */
export function audiencePage(title: string, about: string, book: AudienceBook, underWay: () => number): VendorPage {
  return {
    title,
    about,
    get figures() {
      const audiences = book.audiences()
      return [
        ['audiences', audiences.length],
        ['members', audiences.reduce((sum, audience) => sum + book.members(audience), 0)],
        ['known people', book.knownPeople()],
        ['under way', underWay()],
      ] as const
    },
    columns: ['Person', 'Audience', 'State', 'Held under', 'Changed'],
    rows: (limit) => book.recent(limit).map(cells),
    rowsAbout: (question) => book.about(question).map(cells),
  }
}

function cells({ person, address, audience, suppresses, keys, member, changedAt }: AudienceBelief): Cell[] {
  const shown = address ?? person?.phones?.[0] ?? person?.deviceIds?.[0] ?? person?.userIds?.[0] ?? person?.handles?.[0]
  const kinds = [...new Set(keys.map((key) => key.slice(0, key.indexOf(':'))))]
  return [
    shown ?? `unknown ${keyValue(keys[0] ?? '').slice(0, 12)}…`,
    audience,
    suppresses === true
      ? { badge: member ? 'kept out' : 'not kept out', tone: member ? 'stop' : 'go' }
      : { badge: member ? 'in' : 'out', tone: member ? 'go' : 'stop' },
    kinds.join(', ') || '–',
    changedAt?.slice(0, 19).replace('T', ' ') ?? '–',
  ]
}
