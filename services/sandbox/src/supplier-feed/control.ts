import type { Router } from 'express'
import { z } from 'zod'
import { commonKinds, httpKinds, misbehaviourSchema } from '../frame/misbehaviour.ts'
import type { VendorControl } from '../frame/vendor.ts'
import type { FeedBelief } from './book.ts'
import type { CallRecord, CallStatus, Mischief } from './callbacks.ts'

/** The switches of these partners; the README says what each does. */
export const supplierFeedKinds = [
  ...commonKinds,
  ...httpKinds,
  'redirect',
  'gone',
  'missing',
  'aborts',
  'limited-until',
  'huge-answer',
  'slow-answer',
  'call-first',
  'call-twice',
  'call-forged',
  'call-fails',
] as const
export type SupplierFeedFault = (typeof supplierFeedKinds)[number]
export const supplierFeedMisbehaviour = misbehaviourSchema(supplierFeedKinds)

/** A partner as a connector is configured with it. */
export interface FeedPartnerInfo {
  readonly name: string
  /** Where messages go. */
  readonly url: string
  /** What messages are signed with: the newest key. */
  readonly signingKey: string
  /** What the partner's own calls are signed with. */
  readonly callbackKey: string
  /** Where the partner calls, where that is registered. */
  readonly callbackUrl?: string
}

/** Everything that the partners can be told and asked beside their endpoints. */
export interface SupplierFeedControl extends VendorControl<SupplierFeedFault, FeedBelief> {
  partners(): FeedPartnerInfo[]
  /** Gives the partners addresses of people whom they know themselves. */
  know(addresses: readonly string[]): void
  /** Gives a partner a new signing key and returns it; the older one is good for another day of the sandbox's clock. */
  rotateKey(partner: string): string
  /** Registers where a partner calls. */
  register(partner: string, callbackUrl: string): void
  configure(settings: { callbackDelayMs?: number | undefined }): void
  /** Holds all calls back, or lets those go that were held. */
  holdCalls(): void
  releaseCalls(): void
  /** Calls that partners owe or made, oldest first. */
  calls(): CallRecord[]
  /** Has a partner call now, properly or not, and resolves with what was answered; 0 where nobody did. */
  call(partner: string, requestId: string, status: CallStatus, mischief?: Mischief): Promise<number>
  /** Messages that were taken and asked for nothing new: repeats, and those older than what is held. */
  ignored(): { readonly repeated: number; readonly stale: number }
}

const knowBody = z.strictObject({ addresses: z.array(z.string().min(1)) })
const partnerBody = z.strictObject({ partner: z.string() })
const settingsBody = z.strictObject({
  callbackDelayMs: z.int().nonnegative().optional(),
  /** By partner. */
  callbacks: z.record(z.string(), z.url({ protocol: /^https?$/ })).optional(),
})
const callBody = z.strictObject({
  partner: z.string(),
  requestId: z.string(),
  status: z.enum(['pending', 'in_progress', 'completed', 'cancelled', 'failed']),
  forged: z.boolean().optional(),
  tampered: z.boolean().optional(),
  agedSeconds: z.number().optional(),
})

/** `/_control/supplier-feed/…`: connection, partners, know, keys, settings, calls. */
export function supplierFeedControlRoutes(router: Router, control: SupplierFeedControl): void {
  router.get('/connection', (_request, response) => void response.json({ partners: control.partners() }))
  router.get('/partners', (_request, response) => void response.json({ partners: control.partners() }))
  router.post('/know', (request, response) => {
    const { addresses } = knowBody.parse(request.body)
    control.know(addresses)
    response.json({ known: addresses.length })
  })
  router.post('/keys', (request, response) => {
    response.json({ signingKey: control.rotateKey(partnerBody.parse(request.body).partner) })
  })
  router.post('/settings', (request, response) => {
    const { callbackDelayMs, callbacks = {} } = settingsBody.parse(request.body)
    control.configure({ callbackDelayMs })
    for (const [partner, url] of Object.entries(callbacks)) control.register(partner, url)
    response.status(204).end()
  })
  router.get('/calls', (_request, response) => void response.json({ calls: control.calls() }))
  router.post('/calls', async (request, response) => {
    const { partner, requestId, status, ...mischief } = callBody.parse(request.body)
    response.json({ answer: await control.call(partner, requestId, status, mischief) })
  })
  router.post('/calls/hold', (_request, response) => {
    control.holdCalls()
    response.status(204).end()
  })
  router.post('/calls/release', (_request, response) => {
    control.releaseCalls()
    response.status(204).end()
  })
}
