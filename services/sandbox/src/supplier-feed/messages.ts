import { z } from 'zod'

/** How a partner has agreed to be told who somebody is. */
export interface AgreedIdentity {
  readonly type: string
  readonly format: 'raw' | 'sha256' | 'sha1' | 'md5'
  /** The rule of the hash; `null` for raw values. */
  readonly profile: string | null
}

const utcTime = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/)
const word = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)

const scope = z.strictObject({ purpose: word, channel: word.nullable(), topic: word.nullable() })
const data = z.strictObject({
  event_id: z.string().regex(/^[^.\s]{4,200}$/),
  request_id: z.uuid().regex(/^[0-9a-f-]+$/),
  sequence: z.int().positive(),
  series: z.string().regex(/^[0-9A-Za-z_-]{16,64}$/),
  subject: z.strictObject({
    identity_type: word,
    identity_format: z.enum(['raw', 'sha256', 'sha1', 'md5']),
    identity_value: z.string().min(1).max(500),
    hash_profile: z.string().nullable(),
  }),
  scope: scope.nullable(),
  regulation: word.nullable(),
  effective_at: utcTime,
  source: z.string().min(1),
})

const preference = ['preference.opt_out', 'preference.opt_in', 'preference.topic_opt_out', 'preference.topic_opt_in'] as const
const message = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(preference), timestamp: utcTime, data: data.extend({ scope }) }),
  z.strictObject({ type: z.literal('privacy.erasure'), timestamp: utcTime, data: data.extend({ scope: z.null() }) }),
  z.strictObject({ type: z.literal('ping'), timestamp: utcTime, data: z.strictObject({}) }),
])

/** A message as the contract words it. */
export type FeedMessage = z.infer<typeof message>
export type PersonMessage = Exclude<FeedMessage, { type: 'ping' }>

const DIGITS = { sha256: 64, sha1: 40, md5: 32 } as const

/** Reads a message; a text names what is wrong with it, never a value of it. */
export function readMessage(value: unknown, webhookId: string, agreed: readonly AgreedIdentity[]): FeedMessage | string {
  const read = message.safeParse(value)
  if (!read.success) return `message.${read.error.issues[0]?.path.join('.') || 'malformed'}`
  if (read.data.type === 'ping') return read.data
  const { data: said, type } = read.data
  if (said.event_id !== webhookId) return 'event-id.differs'
  const topical = type.startsWith('preference.topic_')
  if (said.scope !== null && topical !== (said.scope.topic !== null)) return 'scope.topic'
  return identityFault(said.subject, agreed) ?? read.data
}

function identityFault(subject: PersonMessage['data']['subject'], agreed: readonly AgreedIdentity[]): string | undefined {
  const { identity_type: type, identity_format: format, identity_value: value, hash_profile: profile } = subject
  if (!agreed.some((one) => one.type === type)) return 'identity.type-not-agreed'
  if (!agreed.some((one) => one.type === type && one.format === format && one.profile === profile)) return 'identity.form-not-agreed'
  if (format === 'raw') return undefined
  if (value.includes('@')) return 'identity.not-hashed'
  // base64 where the profile says so, hex everywhere else
  const wanted = profile?.endsWith('-b64') === true ? /^[A-Za-z0-9+/]+=*$/ : new RegExp(`^[0-9a-f]{${DIGITS[format]}}$`)
  return wanted.test(value) ? undefined : 'identity.hash-malformed'
}
