import type { DeliveryId, Outcome } from '@heed/domain'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Answer, BatchContext, Connector, Descriptor, Interpretation, Job, NothingToSend, PlannedRequest, Task } from './contract.ts'

/** What the suite needs to know of a connector. */
export interface ConformanceOptions<Settings> {
  readonly settings: Settings
  /** A few tasks as the connector gets them, in the identifier forms that it is used with. At least two people. */
  readonly tasks: readonly Task[]
  /** Texts that must stand nowhere but in a body: credentials that a test may have put into settings. Identifiers are checked without being named. */
  readonly secrets?: readonly string[]
  /** Answers that the vendor really gives to the first request of the plan, e.g. recorded ones, beside those that the suite makes up. */
  readonly answers?: readonly Answer[]
  /** A job as `interpret` gives it, where the connector has jobs. */
  readonly job?: Job
  /** Random answers tried; 300 unless told. */
  readonly runs?: number
}

const openedAt = Date.UTC(2026, 2, 1, 10)

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) frozen(inner)
  }
  return value
}

const isRequest = (planned: PlannedRequest | NothingToSend): planned is PlannedRequest => planned.via !== 'nothing'

/** Everything of a request but its body (or the content of its files): what proxies, logs and metrics may see. */
function outside(request: PlannedRequest): string {
  const { name, note } = request
  if (request.via === 'http') return JSON.stringify([request.method, request.path, request.query, request.headers, name, note])
  return JSON.stringify([(request.put ?? []).map(({ path }) => path), request.get, name, note])
}

const okStatus = (status: number) => status >= 200 && status < 300

/** What an outcome would claim: that the person has the state at the vendor. */
const claimsSuccess = (outcome: Outcome): boolean =>
  outcome.kind === 'confirmed' || outcome.kind === 'verified' || outcome.kind === 'accepted'

const randomJson = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value))

const bodies: fc.Arbitrary<Buffer> = fc.oneof(
  randomJson.map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom('', '<html><body>502 Bad Gateway</body></html>', '{"status":', 'null', '[]', '{}', '""', '\u0000')
    .map((text) => Buffer.from(text)),
  // truncated JSON
  fc.tuple(randomJson, fc.nat(40)).map(([text, cut]) => Buffer.from(text.slice(0, Math.max(0, text.length - cut)))),
)

const statuses = fc.oneof(
  fc.constantFrom(200, 201, 202, 204, 301, 400, 401, 403, 404, 405, 408, 409, 410, 413, 422, 423, 425, 426, 429, 500, 502, 503, 504),
  fc.integer({ min: 100, max: 599 }),
)

const headers = fc.dictionary(
  fc.constantFrom('content-type', 'retry-after', 'x-rate-limit-reset', 'location', 'x-business-use-case-usage'),
  fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom('application/json', 'text/html', '30', '-1', 'Wed, 21 Oct 2026 07:28:00 GMT', '{}'),
  ),
  { maxKeys: 3 },
)

/** A vendor's own words, cut or changed somewhere: nearer to the code that reads them than random text is. */
function mutations(real: readonly Answer[]): fc.Arbitrary<Buffer> | undefined {
  const texts = real.flatMap((answer) => (answer.via === 'http' ? [answer.body.toString('latin1')] : []))
  if (texts.length === 0) return undefined
  return fc.tuple(fc.constantFrom(...texts), fc.nat(), fc.nat(3), fc.string({ maxLength: 3 })).map(([text, at, length, put]) => {
    const from = text.length === 0 ? 0 : at % text.length
    return Buffer.from(text.slice(0, from) + put + text.slice(from + length), 'latin1')
  })
}

function anyAnswer(request: PlannedRequest, real: readonly Answer[]): fc.Arbitrary<Answer> {
  if (request.via === 'http') {
    const changed = mutations(real)
    const body = changed === undefined ? bodies : fc.oneof(bodies, changed)
    return fc.record({ via: fc.constant('http' as const), status: statuses, headers, body })
  }
  const paths = [...(request.get ?? []), ...(request.put ?? []).map(({ path }) => path)]
  const content = fc.option(
    bodies.map((body) => new Uint8Array(body)),
    { nil: undefined },
  )
  return fc.tuple(...paths.map(() => content)).map((contents) => ({
    via: 'file' as const,
    files: Object.fromEntries(paths.map((path, index) => [path, contents[index]])),
  }))
}

/** Whether an answer says by itself that nothing was taken: then no connector may claim that something was. */
const isFailure = (answer: Answer): boolean => answer.via === 'http' && !okStatus(answer.status)

function checkInterpretation(interpretation: Interpretation, request: PlannedRequest): void {
  const covered = new Set<DeliveryId>(request.covers)
  for (const { deliveryId, outcome } of interpretation.outcomes) {
    expect(covered.has(deliveryId), `an outcome for ${deliveryId}, which the request does not cover`).toBe(true)
    if (outcome.kind === 'deferred' || outcome.kind === 'rejected' || outcome.kind === 'notApplicable') {
      expect(outcome.reason).toMatch(/^(?:unavailable|auth|configuration|item|batch|not-applicable)\.[a-z0-9-]+$/)
    }
    if (outcome.kind === 'deferred' && outcome.retryAfterSeconds !== undefined) {
      expect(outcome.retryAfterSeconds).toBeGreaterThanOrEqual(0)
      expect(Number.isFinite(outcome.retryAfterSeconds)).toBe(true)
    }
    expect(['superseded', 'resolved', 'verified'], 'only the kit supersedes, resolves and verifies').not.toContain(outcome.kind)
  }
  for (const { deliveryId } of interpretation.observed ?? []) expect(covered.has(deliveryId)).toBe(true)
  if (interpretation.next !== undefined) {
    for (const id of interpretation.next.covers) expect(covered.has(id), 'a next step covers no more than the first').toBe(true)
  }
  if (interpretation.trouble !== undefined)
    expect(interpretation.trouble.reason).toMatch(/^(?:unavailable|auth|configuration)\.[a-z0-9-]+$/)
  if (interpretation.trace !== undefined) expect(interpretation.trace).toMatch(/^[A-Za-z0-9._:-]{1,100}$/)
  if (interpretation.job !== undefined) {
    expect(interpretation.job.pollAfterSeconds).toBeGreaterThan(0)
    expect(interpretation.job.id.length).toBeGreaterThan(0)
    expect(() => JSON.stringify(interpretation.job)).not.toThrow()
  }
}

/**
 * Registers the tests that every connector passes. Call it at the top of a test file:
 * `testConnector(mailchimp, { settings, tasks: [anOptOut('ada@example.org'), anOptOut('bob@example.org')] })`.
 */
export function testConnector<Settings>(connector: Connector<Settings>, options: ConformanceOptions<Settings>): void {
  const settings = frozen(options.settings)
  const tasks = frozen(options.tasks)
  const descriptor: Descriptor = typeof connector.descriptor === 'function' ? connector.descriptor(settings) : connector.descriptor
  const runs = options.runs ?? 300
  const batch: BatchContext = frozen({ sequence: descriptor.batch.sequenced ? 1 : 0, openedAt, extent: 'delta' })
  const full: BatchContext = frozen({ sequence: descriptor.batch.sequenced ? 2 : 0, openedAt, extent: 'full' })
  const plan = (some: readonly Task[], context: BatchContext = batch) => connector.plan(some, settings, context)

  describe(`${descriptor.name} keeps the contract of a connector`, () => {
    it('describes itself', () => checkDescriptor(connector, descriptor))

    it('plans the same for the same tasks, without a change to what it is given', () => {
      for (const context of descriptor.batch.sequenced ? [batch, full] : [batch]) expect(plan(tasks, context)).toEqual(plan(tasks, context))
    })

    it('plans nothing for no tasks, unless it is a heartbeat', () => {
      const planned = plan([])
      if (descriptor.batch.heartbeatSeconds === undefined) expect(planned).toEqual([])
      else expect(planned.flatMap(({ covers }) => covers)).toEqual([])
    })

    it('covers every task, and no other', () => {
      const property = fc.property(fc.subarray([...tasks], { minLength: 1 }), (some) => {
        const covered = new Set(plan(some.slice(0, descriptor.batch.maxTasks)).flatMap(({ covers }) => covers))
        expect([...covered].sort()).toEqual(
          some
            .slice(0, descriptor.batch.maxTasks)
            .map(({ deliveryId }) => deliveryId)
            .sort(),
        )
      })
      fc.assert(property, { numRuns: 30 })
    })

    it('plans for as many tasks as it says that it takes', () => {
      const many = manyTasks(tasks, Math.min(descriptor.batch.maxTasks, 2_000))
      const covered = new Set(plan(many).flatMap(({ covers }) => covers))
      expect(covered.size).toBe(many.length)
    })

    it('takes a person out under every identifier that it is given', () => {
      const refusal = tasks.find(
        ({ kind, wanted }) => kind === 'preference' && Object.values(wanted).every((choice) => choice === 'denied'),
      )
      if (refusal === undefined || descriptor.withoutValues === true) return
      // the same person may stand in several of the tasks
      const usable = tasks.flatMap((task) => task.identifiers).filter(({ kind }) => descriptor.identifiers.includes(kind))
      const all = usable.map((one) => [`${one.kind} ${one.form} ${one.value}`, one] as const)
      const identifiers = [...new Map(all).values()]
      const planned = (some: typeof identifiers) => JSON.stringify(plan([{ ...refusal, identifiers: some }]), bytesAsText)
      const whole = planned(identifiers)
      for (const left of identifiers) {
        const without = planned(identifiers.filter((identifier) => identifier !== left))
        expect(without === whole, `one of several of ${left.kind} makes no difference`).toBe(false)
      }
    })

    it('puts identifiers and credentials nowhere but into a body', () => {
      const hidden = [...tasks.flatMap(({ identifiers }) => identifiers.map(({ value }) => value)), ...(options.secrets ?? [])]
      const seen = [...plan(tasks), ...readBacks()].filter(isRequest)
      for (const request of seen) {
        const text = outside(request).toLowerCase()
        for (const value of hidden) {
          // A digest in the path is how some vendors name a person; the address itself never is.
          if (isDigest(value)) continue
          expect(
            text.includes(value.toLowerCase()) || text.includes(encodeURIComponent(value).toLowerCase()),
            `${request.name} shows ${describeValue(value)}`,
          ).toBe(false)
        }
        if (request.via === 'http') {
          const names = Object.keys(request.headers ?? {}).map((header) => header.toLowerCase())
          expect(names).not.toContain('authorization')
        }
      }
      for (const planned of plan(tasks)) {
        if (isRequest(planned))
          for (const secret of options.secrets ?? []) expect(JSON.stringify(planned, bytesAsText)).not.toContain(secret)
      }
    })

    it('keeps its paths below the base address', () => {
      for (const request of [...plan(tasks), ...readBacks()].filter(isRequest)) {
        if (request.via === 'http') expect(request.path).toMatch(/^\//)
        else
          for (const path of [...(request.get ?? []), ...(request.put ?? []).map((file) => file.path)])
            expect(path).not.toMatch(/^\/|(^|\/)\.\.(\/|$)/)
      }
    })

    it('names its requests from a closed list', () => {
      for (const request of plan(tasks).filter(isRequest)) expect(request.name).toMatch(/^[a-z][a-z0-9.-]{1,47}$/)
    })

    it('reads any answer without a throw, gives outcomes for what was covered only, and never calls a failure a success', () => {
      const requests = plan(tasks).filter(isRequest)
      for (const request of [...distinct(requests), ...followUps(), ...readBacks().slice(0, 1)]) {
        const property = fc.property(anyAnswer(request, options.answers ?? []), (answer) => {
          const interpretation = connector.interpret(frozen(request), answer, settings)
          checkInterpretation(interpretation, request)
          if (!isFailure(answer)) return
          for (const { outcome } of interpretation.outcomes) {
            // 404 and 410 may mean that the person is not there, which is what was wanted, and some vendors say 4xx for "already so".
            const maybeAlreadySo =
              answer.via === 'http' &&
              answer.status >= 400 &&
              answer.status < 500 &&
              answer.status !== 401 &&
              answer.status !== 408 &&
              answer.status !== 429
            if (!maybeAlreadySo) expect(claimsSuccess(outcome), `${outcome.kind} for a failure`).toBe(false)
          }
          for (const { holds } of interpretation.observed ?? [])
            if (answer.via === 'http' && answer.status >= 500) expect(holds).toBe('unreadable')
        })
        fc.assert(property, { numRuns: runs })
      }
    })

    it('reads the same answer in the same way', () => {
      const [request] = plan(tasks).filter(isRequest)
      if (request === undefined) return
      for (const answer of options.answers ?? []) {
        expect(connector.interpret(request, answer, settings)).toEqual(connector.interpret(request, answer, settings))
        checkInterpretation(connector.interpret(request, answer, settings), request)
      }
    })

    it('never confirms more than its vendor says', () => {
      const [request] = plan(tasks).filter(isRequest)
      if (request === undefined || descriptor.confirmation === 'in-response') return
      const property = fc.property(anyAnswer(request, options.answers ?? []), (answer) => {
        const { outcomes } = connector.interpret(request, answer, settings)
        for (const { outcome } of outcomes) expect(outcome.kind).not.toBe('confirmed')
      })
      fc.assert(property, { numRuns: runs })
    })

    function followUps(): PlannedRequest[] {
      if (options.job === undefined || connector.follow === undefined) return []
      return [
        connector.follow(
          options.job,
          tasks.map(({ deliveryId }) => deliveryId),
          settings,
        ),
      ]
    }

    function readBacks(): readonly PlannedRequest[] {
      const limit = descriptor.readBack?.maxTasks ?? 0
      return limit === 0 ? [] : (connector.readBack?.(tasks.slice(0, limit), settings) ?? [])
    }

    it.runIf(options.job !== undefined)('can follow its jobs', () => {
      const [request] = followUps()
      expect(request, 'follow is missing').toBeDefined()
      if (request === undefined) return
      expect(request.intent).toBe('follow')
      expect(descriptor.jobs, 'the descriptor says how long a job is followed').toBeDefined()
      expect([...request.covers].sort()).toEqual(tasks.map(({ deliveryId }) => deliveryId).sort())
    })

    it.runIf(descriptor.readBack !== undefined)('can be read back', () => {
      const requests = readBacks()
      expect(new Set(requests.flatMap(({ covers }) => covers)).size).toBe(Math.min(tasks.length, descriptor.readBack?.maxTasks ?? 0))
      for (const request of requests) {
        expect(request.intent).toBe('read-back')
        if (request.via === 'http') expect(['GET', 'POST']).toContain(request.method)
        else expect(request.put ?? []).toEqual([])
      }
    })
  })
}

function checkDescriptor<Settings>(connector: Connector<Settings>, descriptor: Descriptor): void {
  const { name, docs, batch, rate, timeoutMs, quietAfterUnknownSeconds, jobs, readBack, confirmation, retry } = descriptor
  expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
  expect(docs).toMatch(/^https:\/\//)
  expect(batch.maxTasks).toBeGreaterThanOrEqual(1)
  expect(rate.concurrentRequests).toBeGreaterThanOrEqual(1)
  for (const limit of [rate.requestsPerMinute, rate.requestsPerDay]) if (limit !== undefined) expect(limit).toBeGreaterThanOrEqual(1)
  expect(timeoutMs).toBeGreaterThan(0)
  expect(quietAfterUnknownSeconds).toBeGreaterThanOrEqual(0)
  for (const seconds of [batch.collectSeconds, batch.heartbeatSeconds, batch.fullEverySeconds])
    if (seconds !== undefined) expect(seconds).toBeGreaterThan(0)
  if (batch.heartbeatSeconds !== undefined || batch.fullEverySeconds !== undefined) expect(batch.sequenced).toBe(true)
  if (confirmation === 'by-job') expect(jobs, 'what is confirmed by a job needs `jobs`').toBeDefined()
  if (jobs !== undefined) expect(jobs.giveUpAfterSeconds).toBeGreaterThanOrEqual(jobs.maxPollSeconds)
  expect(readBack === undefined, 'readBack stands in the descriptor and in the connector, or in neither').toBe(
    connector.readBack === undefined,
  )
  if (readBack !== undefined) expect(readBack.share > 0 && readBack.share <= 1).toBe(true)
  if (retry !== undefined) expect(retry.scheduleSeconds.every((seconds) => seconds > 0) && retry.scheduleSeconds.length > 0).toBe(true)
}

/** One request of each name. */
function distinct(requests: readonly PlannedRequest[]): PlannedRequest[] {
  return [...new Map(requests.map((request) => [request.name, request])).values()]
}

/** The example tasks over and over, each time for another subject. */
function manyTasks(tasks: readonly Task[], count: number): Task[] {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
  return Array.from({ length: count }, (_, index) => {
    const task = tasks[index % tasks.length] as Task
    let digits = ''
    for (let rest = index; digits.length < 6; rest = Math.floor(rest / 32)) digits = alphabet.charAt(rest % 32) + digits
    const subjectId = `${task.subjectId.slice(0, -6)}${digits}` as Task['subjectId']
    const identifiers = task.identifiers.map((identifier) =>
      identifier.kind === 'email' && identifier.form === 'raw' ? { ...identifier, value: `person-${index}@example.org` } : identifier,
    )
    return { ...task, subjectId, identifiers, deliveryId: `${task.recipientId}/${subjectId}/${task.version}` as DeliveryId }
  })
}

const isDigest = (value: string): boolean => /^[0-9a-f]{32,128}$/i.test(value) || /^[A-Za-z0-9+/]{22,86}={0,2}$/.test(value)

// what an assertion prints must not hold the value itself, even in a test
const describeValue = (value: string): string => (value.includes('@') ? '[email]' : '[identifier]')

const bytesAsText = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value)
