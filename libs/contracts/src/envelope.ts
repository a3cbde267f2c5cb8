import { createHash } from 'node:crypto'
import { type AnyEvent, type EventData, type EventType, eventSchemas } from './events.ts'

/** A record as it goes to the broker. */
export interface WireRecord {
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** What stands around an event: CloudEvents attributes and the trace that it belongs to. */
export interface Envelope {
  /** The event's own id; the same event published twice has the same one. */
  readonly id: string
  /** The service that says it, e.g. `services/preferences`. */
  readonly source: string
  /** ms since the epoch. */
  readonly time: number
  readonly traceparent?: string
}

/** A value that breaks its own contract: a fault of ours, never of the outside. */
export class EventContractError extends Error {
  override readonly name = 'EventContractError'
}

/**
 * The record of an event: key = what the topic is keyed by (a subject id, for most), value = JSON, headers = CloudEvents attributes in Kafka's binary mode.
 * Throws `EventContractError` where the data break the schema, naming the fields and never their values.
 */
export function encodeEvent<Type extends EventType>(type: Type, key: string, data: EventData<Type>, envelope: Envelope): WireRecord {
  const checked = eventSchemas[type].safeParse(data)
  if (!checked.success) throw new EventContractError(`${type} breaks its schema at ${faults(checked.error.issues)}`)
  return {
    key,
    value: JSON.stringify(data),
    headers: {
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: envelope.id,
      ce_type: type,
      ce_source: envelope.source,
      ce_time: new Date(envelope.time).toISOString(),
      ce_subject: key,
      ...(envelope.traceparent === undefined ? {} : { traceparent: envelope.traceparent }),
    },
  }
}

/** A record read back, or why it cannot be read. */
export type Decoded =
  | { readonly ok: true; readonly event: AnyEvent; readonly id: string; readonly traceparent: string | undefined }
  | { readonly ok: false; readonly reason: string; readonly sha256: string; readonly bytes: number }

/** A record as any broker client gives it. */
export interface ReadRecord {
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | string | undefined>>
}

/** Reads a record. Never throws: what cannot be read comes back with the reason and the hash of its bytes, for the dead letters. The reason holds field names, never values. */
export function decodeEvent(record: ReadRecord, accepted: readonly EventType[]): Decoded {
  const unreadable = (reason: string): Decoded => ({
    ok: false,
    reason,
    sha256: createHash('sha256')
      .update(record.value ?? '')
      .digest('hex'),
    bytes: record.value?.length ?? 0,
  })
  const type = record.headers.ce_type?.toString()
  if (type === undefined) return unreadable('the header ce_type is missing')
  if (!isOneOf(type, accepted))
    return unreadable(`the type ${/^[a-z0-9.-]{1,80}$/.test(type) ? type : 'in ce_type'} is not expected on this topic`)
  if (record.value === null) return unreadable('the record has no value')
  let json: unknown
  try {
    json = JSON.parse(utf8.decode(record.value))
  } catch {
    return unreadable('the value is not JSON in UTF-8')
  }
  const checked = eventSchemas[type].safeParse(json)
  if (!checked.success) return unreadable(`the schema of ${type} is broken at ${faults(checked.error.issues)}`)
  return {
    ok: true,
    event: { type, data: checked.data } as AnyEvent,
    id: record.headers.ce_id?.toString() ?? '',
    traceparent: record.headers.traceparent?.toString(),
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function isOneOf(type: string, accepted: readonly EventType[]): type is EventType {
  return (accepted as readonly string[]).includes(type)
}

function faults(issues: readonly { path: PropertyKey[]; code: string }[]): string {
  return issues
    .slice(0, 5)
    .map(
      (issue) =>
        `${issue.path.map((part) => (typeof part === 'string' && !/^[A-Za-z0-9/-]{1,64}$/.test(part) ? '?' : String(part))).join('.') || 'value'} (${issue.code})`,
    )
    .join(', ')
}
