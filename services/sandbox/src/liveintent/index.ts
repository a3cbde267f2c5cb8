import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { SomeOf } from '../audience/control.ts'
import { commonControl } from '../frame/common-control.ts'
import { type HttpHandler, type HttpReply, playHttp } from '../frame/http-play.ts'
import { jsonReply, parseJson } from '../frame/json.ts'
import { openKept } from '../frame/kept.ts'
import type { Routed } from '../frame/router.ts'
import { demoSecret, sameText } from '../frame/tokens.ts'
import type { Cell, Stage, Vendor, VendorControl, VendorDefinition } from '../frame/vendor.ts'
import { type LiveintentFault, liveintentMisbehaviour } from './faults.ts'
import { createKnownPeople } from './people.ts'
import { readSubmission, type SubjectError } from './submission.ts'
import { createTransactions, type LiveintentBelief, type Transaction } from './transactions.ts'

export type { LiveintentFault } from './faults.ts'
export type { LiveintentBelief } from './transactions.ts'

/** How the API behaves when nothing is wrong. */
export interface LiveintentSettings {
  latencyMs: number
  /** How long a request is worked on, in milliseconds on the sandbox's clock. Default 100. */
  workMs: number
  /** True keeps `GET` for reports that were asked for, as the vendor's page has it: every other transaction is 404. Default no. */
  reportsOnly: boolean
}

export interface LiveintentOptions extends Partial<LiveintentSettings> {
  /** Advertisers that the demo token speaks for. Default 1. */
  readonly advertisers?: readonly number[]
  /** Media groups that it speaks for. Default none. */
  readonly mediaGroups?: readonly number[]
}

export interface LiveintentControl extends VendorControl<LiveintentFault, LiveintentBelief> {
  configure(settings: SomeOf<LiveintentSettings>): void
  /** Gives the vendor addresses of people, whom it then calls by name and whose wrong hashes it refuses; a list is one person with several addresses. */
  know(people: readonly (string | readonly string[])[]): void
  /** References that transactions came with, in their order. */
  submitters(): (string | null)[]
}

/** The API as a connector reaches it. */
export interface Liveintent {
  readonly url: string
  readonly token: string
  readonly advertiser: number
  readonly control: LiveintentControl
}

const settingsSchema = z
  .strictObject({ latencyMs: z.int().nonnegative(), workMs: z.int().nonnegative(), reportsOnly: z.boolean() })
  .partial()
const knowBody = z.strictObject({ people: z.array(z.union([z.string(), z.array(z.string())])) })
const NO_TOKEN: SubjectError = { httpStatus: 401, message: 'Missing bearer token', errorCode: 'UNAUTHORIZED' }
const BAD_TOKEN: SubjectError = { httpStatus: 403, message: 'Invalid or expired bearer token', errorCode: 'FORBIDDEN' }
const NOT_FOUND: SubjectError = { httpStatus: 404, message: 'Not found', errorCode: 'NOT_FOUND' }

/** LiveIntent's Privacy Management API, as in the contract sheet of hashed-email shares. */
export const liveintent: VendorDefinition<'liveintent', LiveintentOptions, Liveintent> = {
  name: 'liveintent',
  play: async (stage, options) => play(stage, options),
}

const refused = (error: SubjectError): HttpReply => jsonReply(error.httpStatus, { errors: [error] }, { remark: error.errorCode })

function play(stage: Stage, options: LiveintentOptions): Vendor<Liveintent> {
  const { advertisers = [1], mediaGroups = [], ...some } = options
  const settings: LiveintentSettings = { latencyMs: 0, workMs: 100, reportsOnly: false, ...some }
  const { switches, common } = commonControl<LiveintentFault>(stage)
  const people = createKnownPeople()
  const { parts, store } = openKept(stage, (kept) => [createTransactions(stage.clock.now, people, kept)] as const)
  const [transactions] = parts
  const token = demoSecret(stage.seed, 'liveintent-token', 48)
  const allowed = new Set([...advertisers.map((id) => `Advertiser/${id}`), ...mediaGroups.map((id) => `MediaGroup/${id}`)])
  const submitters: (string | null)[] = []

  /** The address that a switch can name, where the person is known. */
  const whose = ({ emailHashes }: Pick<Transaction, 'emailHashes'>): { address?: string; hash?: string } => {
    const known = emailHashes.map((hash) => people.recognise(hash)).find((one) => one.kind === 'known')
    const [hash] = emailHashes
    return known?.kind === 'known' ? { address: known.address } : hash === undefined ? {} : { hash }
  }
  const work = (transaction: Transaction): void => {
    if (switches.take('never-completed', whose(transaction)) !== undefined) return
    stage.clock.after(settings.workMs / 2, () => {
      transaction.status = 'PENDING'
      transactions.changed(transaction)
    })
    stage.clock.after(settings.workMs, () => {
      transaction.status = switches.take('late-failure', whose(transaction)) === undefined ? 'COMPLETED' : 'FAILED'
      transactions.changed(transaction)
    })
  }
  for (const transaction of transactions.underWay()) work(transaction)

  const submit =
    (persists: boolean): HttpHandler =>
    ({ body }) => {
      const read = readSubmission(parseJson(body)?.value, people, allowed)
      if ('error' in read) return { ...refused(read.error), items: 1 }
      if (!persists) return jsonReply(202, { transactionId: randomUUID() }, { items: 1 })
      if (switches.take('poison', whose(read.submission)) !== undefined)
        return { ...refused({ httpStatus: 400, message: 'The request is invalid', errorCode: 'INVALID_REQUEST' }), items: 1 }
      const transaction = transactions.open(read.submission)
      submitters.push(transaction.submitter)
      work(transaction)
      return jsonReply(202, { transactionId: transaction.transactionId }, { items: 1 })
    }
  const read: HttpHandler = ({ parameters }) => {
    const found = transactions.find(parameters.transactionId ?? '')
    if (found === undefined || settings.reportsOnly) return refused(NOT_FOUND)
    const { scope, ...rest } = found
    const [kind = '', id] = scope.split('/')
    return jsonReply(200, { ...rest, scope: { [kind]: id === undefined ? {} : { id: Number(id) } } }, { items: 1 })
  }

  const control: LiveintentControl = {
    ...common,
    configure: (given) =>
      void Object.assign(settings, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))),
    know: (persons) => people.know(persons),
    submitters: () => [...submitters],
    beliefs: () => [
      ...transactions.beliefs(),
      ...people
        .addresses()
        .filter((address) => transactions.about(people.hashesOf(address)).length === 0)
        .map((address) => ({ address, hashes: people.hashesOf(address), scope: '', restricted: false, erased: false, transactions: 0 })),
    ],
    person: ({ address, hash }) => transactions.about(address === undefined ? [hash ?? ''] : people.hashesOf(address)),
    reset() {
      common.behave()
      common.clearRequests()
      transactions.clear()
      people.clear()
      submitters.length = 0
    },
  }
  const url = `${stage.origin}/${stage.name}`
  const routes: Routed<HttpHandler>[] = [
    { method: 'POST', template: '/data-subject-requests', handler: submit(true) },
    { method: 'POST', template: '/data-subject-requests/test', handler: submit(false) },
    { method: 'GET', template: '/data-subject-requests/{transactionId}', handler: read },
  ]
  const told = { token, advertiser: advertisers[0] ?? 0 }
  return {
    api: { url, ...told, control },
    misbehave: (body) => control.misbehave(liveintentMisbehaviour.parse(body)),
    handle: playHttp(
      {
        routes,
        latencyMs: () => settings.latencyMs,
        admit({ headers }) {
          const [, given] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? []
          if (given === undefined) return refused(NO_TOKEN)
          return sameText(given, token) ? undefined : refused(BAD_TOKEN)
        },
        refuse: {
          tooManyAtOnce: () => refused({ httpStatus: 429, message: 'Too many requests', errorCode: 'TOO_MANY_REQUESTS' }),
          rateLimited: (retryAfterSeconds) => {
            const reply = refused({ httpStatus: 429, message: 'Too many requests', errorCode: 'TOO_MANY_REQUESTS' })
            return retryAfterSeconds === undefined
              ? reply
              : { ...reply, headers: { ...reply.headers, 'retry-after': String(retryAfterSeconds) } }
          },
          revokedKey: () => refused(BAD_TOKEN),
          serverError: () => refused({ httpStatus: 500, message: 'Internal server error', errorCode: 'INTERNAL' }),
          notFound: () => refused(NOT_FOUND),
          methodNotAllowed: () => refused({ httpStatus: 405, message: 'Method not allowed', errorCode: 'METHOD_NOT_ALLOWED' }),
          tooLarge: () => refused({ httpStatus: 413, message: 'Too large', errorCode: 'TOO_LARGE' }),
        },
      },
      stage,
      switches,
      () => store.flush(),
    ),
    controlRoutes(router) {
      router.get('/connection', ({ headers }, response) => void response.json({ url: `http://${headers.host}/${stage.name}`, ...told }))
      router.post('/know', (request, response) => {
        const { people: persons } = knowBody.parse(request.body)
        control.know(persons)
        response.json({ known: persons.length })
      })
      router.post('/settings', (request, response) => {
        control.configure(settingsSchema.parse(request.body))
        response.status(204).end()
      })
    },
    page: {
      title: 'LiveIntent',
      about: `Data subject requests. The API listens at ${url}.`,
      get figures() {
        const all = transactions.beliefs()
        return [
          ['people', all.length],
          ['restricted', all.filter(({ restricted }) => restricted).length],
        ] as const
      },
      columns: ['Person', 'Scope', 'State', 'Transactions'],
      rows: (limit) => transactions.beliefs().slice(-limit).reverse().map(cells),
      rowsAbout: (question) => control.person(question).map(cells),
    },
    stop: async () => store.close(),
  }
}

function cells({ address, hashes, scope, restricted, erased, transactions }: LiveintentBelief): Cell[] {
  const state: Cell = erased
    ? { badge: 'erased', tone: 'none' }
    : restricted
      ? { badge: 'restricted', tone: 'stop' }
      : { badge: 'not restricted', tone: 'go' }
  return [address ?? `hash ${(hashes[0] ?? '').slice(0, 12)}…`, scope, state, String(transactions)]
}
