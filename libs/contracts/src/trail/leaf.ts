import { canonicalJson, type JsonValue } from './canonical-json.ts'

/** What an entry of the trail tells of: a closed list. */
export const entryKinds = [
  'change-accepted',
  'delivery-requested',
  'delivery-attempted',
  'disclosure-made',
  'link-made',
  'link-used',
  'identifiers-linked',
  'subject-erased',
  'suppressions-imported',
  'disclosure-reported',
  'operator-acted',
  'policy-loaded',
  'recipient-paused',
  'recipient-resumed',
  'delivery-resolved',
  'record-unreadable',
  'configuration-changed',
  'journal-counted',
] as const

/** One of `entryKinds`. */
export type EntryKind = (typeof entryKinds)[number]

/** Facts as a JSON object. */
export type Facts = { readonly [key: string]: JsonValue | undefined }

/**
 * One entry as it stands in the log, for ever: free of personal data and of subject ids. Its bytes are the canonical JSON of exactly these fields, absent ones
 * left out; its hash is that of RFC 6962. The place in the log is no part of it.
 */
export interface Leaf {
  /** Of this form. */
  readonly format: 1
  readonly kind: EntryKind
  /** When it happened by the clock of whoever tells of it, ms since the epoch. It never decides order. */
  readonly at: number
  /** Who: a caller or a role, never a person. */
  readonly by: string
  /** About whom: `subjectCommitment`. */
  readonly subject?: string
  readonly recipient?: string
  /** The version of the subject. */
  readonly version?: number
  /** The version of the policy in force, where the entry says it. The hash of its text stands in the entry `policy-loaded` of that version. */
  readonly policy?: string
  /** What happened, by kind. Other subjects that it speaks of are commitments too. */
  readonly what: Facts
  /** `sealedCommitment` of the facts that are kept elsewhere. */
  readonly sealed?: string
}

/** The longest leaf, in bytes of UTF-8: what a bundle of the log can carry (C2SP tlog-tiles). */
export const MAX_LEAF_BYTES = 65_535

/** The text whose UTF-8 bytes are the leaf. Throws `TypeError` where something of it has no canonical form. */
export function encodeLeaf(leaf: Leaf): string {
  const { format, kind, at, by, subject, recipient, version, policy, what, sealed } = leaf
  return canonicalJson({ at, by, format, kind, policy, recipient, sealed, subject, version, what })
}

const hex = /^[0-9a-f]{64}$/
const fields = new Set(['format', 'kind', 'at', 'by', 'subject', 'recipient', 'version', 'policy', 'what', 'sealed'])

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const isText = (value: unknown) => typeof value === 'string'
const isCount = (value: unknown) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
const isCommitment = (value: unknown) => typeof value === 'string' && hex.test(value)
const orAbsent = (value: unknown, holds: (value: unknown) => boolean) => value === undefined || holds(value)

function isLeaf(value: unknown): value is Leaf {
  return (
    isObject(value) &&
    Object.keys(value).every((key) => fields.has(key)) &&
    value.format === 1 &&
    entryKinds.some((kind) => kind === value.kind) &&
    isCount(value.at) &&
    isText(value.by) &&
    orAbsent(value.subject, isCommitment) &&
    orAbsent(value.recipient, isText) &&
    orAbsent(value.version, isCount) &&
    orAbsent(value.policy, isText) &&
    isObject(value.what) &&
    orAbsent(value.sealed, isCommitment)
  )
}

/** Reads what `encodeLeaf` writes, and nothing else: one leaf has one text. Undefined for everything else; never throws. */
export function parseLeaf(text: string): Leaf | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isLeaf(value) && encodeLeaf(value) === text ? value : undefined
  } catch {
    return undefined
  }
}
