import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commonControl } from '../frame/common-control.ts'
import { type HttpPlay, type HttpRequest, playHttp } from '../frame/http-play.ts'
import type { Store } from '../frame/store.ts'
import type { Stage, Vendor, VendorDefinition } from '../frame/vendor.ts'
import { type AudienceDefinition, createAccount } from './account.ts'
import { type Batches, createBatches } from './batches.ts'
import {
  type MailchimpControl,
  type MailchimpFault,
  type MailchimpSettings,
  mailchimpControl,
  mailchimpControlRoutes,
  mailchimpMisbehaviour,
} from './control.ts'
import { type Credentials, credentialProblem, dataCenterOf, demoCredentials } from './credentials.ts'
import { mailchimpPage } from './page.ts'
import { problemReplies, problems, triggeredProblem } from './problems.ts'
import { mailchimpRoutes, operationExecutor, RESULTS_TEMPLATE } from './routes.ts'
import { createWebhooks } from './webhooks.ts'

/** How Mailchimp is set up; everything has a default that works. */
export interface MailchimpOptions extends Partial<MailchimpSettings> {
  /** With its data center at the end. Default: made from the seed. */
  readonly apiKey?: string
  readonly oauthToken?: string
  /** The audiences of the first day. Default: `Newsletter` and `Workshops`. */
  readonly audiences?: readonly AudienceDefinition[]
}

/** Mailchimp as a connector reaches it. */
export interface Mailchimp {
  /** The base of the API without its version: `<url>/3.0/lists`. */
  readonly url: string
  readonly apiKey: string
  /** The file that holds the API key, for clients that are given a file. */
  readonly apiKeyPath: string
  readonly oauthToken: string
  readonly control: MailchimpControl
}

const DEFAULT_AUDIENCES: readonly AudienceDefinition[] = [
  {
    name: 'Newsletter',
    interests: ['newsletters', 'promotions', 'product-news'],
    marketingPermissions: ['Email', 'Customized Online Advertising'],
  },
  {
    name: 'Workshops',
    doubleOptIn: true,
    requiredMergeFields: ['FNAME'],
    interests: ['events', 'surveys'],
    marketingPermissions: ['Email'],
  },
]

/** Mailchimp's Marketing API v3, as in its contract sheet; the README lists what is enforced and what is left out. */
export const mailchimp: VendorDefinition<'mailchimp', MailchimpOptions, Mailchimp> = {
  name: 'mailchimp',
  play: async (stage, options) => play(stage, options),
}

function play(stage: Stage, options: MailchimpOptions): Vendor<Mailchimp> {
  const { switches, common } = commonControl<MailchimpFault>(stage)
  const settings: MailchimpSettings = {
    latencyMs: options.latencyMs ?? 0,
    batchStageMs: options.batchStageMs ?? 15,
    errorType: options.errorType ?? 'alternate',
  }
  const demo = demoCredentials(stage.seed, options.apiKey === undefined ? undefined : dataCenterOf(options.apiKey))
  let credentials: Credentials = {
    ...demo,
    ...(options.apiKey && { apiKey: options.apiKey }),
    ...(options.oauthToken && { oauthToken: options.oauthToken }),
  }
  let keysGiven = 0
  const url = `${stage.origin}/mailchimp`
  const apiKeyPath = join(stage.folder, 'api-key')
  writeFileSync(apiKeyPath, credentials.apiKey, { mode: 0o600 })

  const held: { store?: Store; batches?: Batches } = {}
  const store = (): Store => present(held.store)
  const batches = (): Batches => present(held.batches)
  const account = createAccount(options.audiences ?? DEFAULT_AUDIENCES, store)
  const webhooks = createWebhooks(stage, store, () => switches.take('webhook-twice', {}) !== undefined)
  const refuse = problemReplies(() => settings.errorType)
  const routes = mailchimpRoutes({
    account,
    webhooks,
    batches,
    refuse,
    now: stage.clock.now,
    isPoisoned: (address, hash) => switches.take('poison', { address, hash }) !== undefined,
    isSkippedSilently: (address, hash) => switches.take('skipped-silently', { address, hash }) !== undefined,
    // the client downloads from where it already reaches the API, whatever that is called there
    resultsOrigin: ({ headers }: HttpRequest) => (headers.host === undefined ? url : `http://${headers.host}/mailchimp`),
  })
  held.batches = createBatches(stage, store, operationExecutor(routes, refuse), () => settings.batchStageMs)
  held.store = stage.openStore(function* () {
    yield* account.facts()
    yield* webhooks.facts()
    yield* batches().facts()
  })
  for (const fact of held.store.load()) if (!account.restore(fact) && !webhooks.restore(fact)) held.batches.restore(fact)

  const interfacePlay: HttpPlay = {
    routes,
    concurrency: 10,
    latencyMs: () => settings.latencyMs,
    admit(request) {
      if (request.template === RESULTS_TEMPLATE) return undefined
      if (switches.take('user-disabled', request) !== undefined) return refuse(problems.userDisabled)
      const problem = credentialProblem(request.headers, credentials)
      if (problem !== undefined) return refuse(problem)
      const trigger = request.headers['x-trigger-error']
      const triggered = typeof trigger === 'string' ? triggeredProblem(trigger) : undefined
      return triggered && refuse(triggered)
    },
    refuse: {
      tooManyAtOnce: () => refuse(problems.tooManyConnections),
      rateLimited: () => refuse(problems.tooManyRequests),
      revokedKey: () => refuse(problems.apiKeyInvalid),
      serverError: () => refuse(problems.internal),
      notFound: () => refuse(problems.notFound),
      methodNotAllowed: () => refuse(problems.methodNotAllowed),
      tooLarge: () => refuse(problems.tooLarge),
    },
  }
  const own = mailchimpControl({
    account,
    webhooks,
    settings,
    now: stage.clock.now,
    rotateKey: () => {
      keysGiven += 1
      credentials = { ...credentials, apiKey: demoCredentials(`${stage.seed}/${keysGiven}`, dataCenterOf(credentials.apiKey)).apiKey }
      return credentials.apiKey
    },
  })
  const control: MailchimpControl = {
    ...common,
    ...own,
    reset() {
      common.behave()
      common.clearRequests()
      account.clear()
      webhooks.clear()
      batches().clear()
    },
  }
  return {
    api: { url, apiKey: credentials.apiKey, apiKeyPath, oauthToken: credentials.oauthToken, control },
    misbehave: (body) => control.misbehave(mailchimpMisbehaviour.parse(body)),
    page: mailchimpPage(url, account, batches),
    handle: playHttp(interfacePlay, stage, switches, () => store().flush()),
    controlRoutes: (router) =>
      mailchimpControlRoutes(router, own, () => ({ url, apiKey: credentials.apiKey, apiKeyPath, oauthToken: credentials.oauthToken })),
    stop: async () => store().close(),
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('asked before it was made')
  return value
}
