import type { Choice, DeliveryId, Evidence, IdentifierKind, Outcome, PurposeKey, RecipientId, SubjectId } from '@heed/domain'
import type { Clock } from '@heed/platform/clock'
import type { Logger } from '@heed/platform/log'

/** An identifier as a connector gets it at the moment of sending: exactly the form that the policy grants its recipient. */
export interface ResolvedIdentifier {
  readonly kind: IdentifierKind
  /** `raw` or the name of a hash profile. */
  readonly form: string
  readonly value: string
  /** Made by a rule that the vendor has given up: an old list may still hold it. Send it to remove a person, never to add one. */
  readonly former?: true
}

/** One duty with all that a request needs. A batch is the only case; a single task is a batch of one. */
export interface Task {
  readonly deliveryId: DeliveryId
  readonly recipientId: RecipientId
  readonly subjectId: SubjectId
  readonly version: number
  /** 0 for the wish that a change made; the time, ms since the epoch, where the same version was asked for once more (redelivery, backfill, repair). */
  readonly assertion: number
  readonly kind: 'preference' | 'erasure'
  /** What must hold: every purpose that the recipient serves, and each topic that was chosen. */
  readonly wanted: Readonly<Record<PurposeKey, Choice>>
  /**
   * What differs from the last state that the recipient came to hold: a hint for wording, never a reason to leave something of `wanted` out.
   * Empty for a repeat. Versions that were superseded before they were sent are counted in.
   */
  readonly changed: readonly PurposeKey[]
  readonly evidence: Readonly<Record<PurposeKey, Evidence>>
  /**
   * Never empty, and only of the kinds in the descriptor: a subject without one ends as `not-applicable.no-identifier` before a connector sees it.
   * (Always empty where the descriptor names no kind at all.)
   */
  readonly identifiers: readonly ResolvedIdentifier[]
  /** When the person's change was accepted, ms since the epoch. */
  readonly acceptedAt: number
  /** True where an earlier attempt may have been applied without an answer. */
  readonly unknownBefore: boolean
}

/** What a plan may know beside its tasks: the batch as the kit has recorded it before anything is sent. The same batch planned twice gives the same bytes. */
export interface BatchContext {
  /** 1, 2, 3 … without gap for each recipient, where the descriptor asks for `sequenced` batches; otherwise 0. */
  readonly sequence: number
  /** When the kit opened the batch, ms since the epoch; kept with it, so that a retry has the same. */
  readonly openedAt: number
  /** `full` = the tasks are the complete state of the recipient (first delivery, repair of a gap, periodic reset). */
  readonly extent: 'delta' | 'full'
}

/** What a request is for: to assert the wanted state, to ask about a job, or to read back what the vendor holds. */
export type RequestIntent = 'assert' | 'follow' | 'read-back'

interface RequestBase {
  readonly intent: RequestIntent
  /** The deliveries that the answer is about. */
  readonly covers: readonly DeliveryId[]
  /** A short name for logs and metrics, from a closed list of the connector, e.g. `member.patch`. */
  readonly name: string
  /** Plain data that `interpret` needs to read the answer, e.g. which line belongs to which delivery. No personal data. */
  readonly note?: unknown
}

/** An HTTP request as plain data: the transport adds host and credentials. */
export interface HttpRequest extends RequestBase {
  readonly via: 'http'
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base URL of the settings, or an absolute https URL that the vendor itself gave (a result to fetch, without credentials). */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?:
    | { readonly json: unknown }
    | { readonly form: Readonly<Record<string, string>> }
    /** An empty type sends no `content-type`: an address that was signed without one refuses it. */
    | { readonly text: string; readonly type: string }
  /** What a step after this one will send, for `interpret` to make its `next` of. It never leaves with this request and is never logged or kept, so it may name people. */
  readonly carried?: string
  /** False where no credentials may be added. */
  readonly authenticated?: boolean
}

/** Files to put into, or read from, a partner's store (SFTP, S3, a folder), as plain data. */
export interface FileRequest extends RequestBase {
  readonly via: 'file'
  /** Files to write, in this order; each is complete before the next begins, and visible only as a whole. */
  readonly put?: readonly { readonly path: string; readonly content: Uint8Array }[]
  /** Files to read; a missing one is an answer, not an error. */
  readonly get?: readonly string[]
}

/** Tasks for which nothing has to be sent, because their outcome is known beforehand (e.g. the vendor has no opt-in). */
export interface NothingToSend {
  readonly via: 'nothing'
  readonly covers: readonly DeliveryId[]
  readonly outcome: Outcome
}

/** A request that leaves. */
export type PlannedRequest = HttpRequest | FileRequest

/** An HTTP answer, whatever its status. The body is at most as long as the descriptor allows. */
export interface HttpAnswer {
  readonly via: 'http'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What a store answered: what was put (or was there already with the same bytes), and what was read. */
export interface FileAnswer {
  readonly via: 'file'
  readonly files: Readonly<Record<string, Uint8Array | undefined>>
}

/**
 * No answer. `sent: false` = the request never left, so nothing was applied; `sent: true` = it may have been applied.
 * The kit gives `interpret` only real answers: it settles these itself, by `unavailable.*` or `auth.*` and as an unknown outcome where `sent` is true.
 */
export interface NoAnswer {
  readonly via: 'none'
  readonly sent: boolean
  readonly reason: `unavailable.${string}` | `auth.${string}` | `configuration.${string}`
}

/** An answer that a connector interprets. */
export type Answer = HttpAnswer | FileAnswer

/** Work that the vendor goes on with after its answer, kept by the kit across restarts. No personal data. */
export interface Job {
  /** The vendor's own id of it, or the name of the file. */
  readonly id: string
  /** Ask again after so many seconds; the kit doubles it up to `descriptor.jobs.maxPollSeconds`. */
  readonly pollAfterSeconds: number
  /** Plain data that `follow` and the next `interpret` need. */
  readonly note?: unknown
}

/**
 * What an answer means: one outcome for each delivery covered, and where the vendor works on, the job. A delivery that has no outcome here stays as it was
 * (its row of an unfinished job, or the next request decides). `batch.*` as a deferred reason makes the kit split the batch down to the bad item. `item.*` as a
 * deferred reason says that this item alone was refused, perhaps not for good: it is tried again, and after the third failure in a row a person has to look.
 */
export interface Interpretation {
  readonly outcomes: readonly { readonly deliveryId: DeliveryId; readonly outcome: Outcome }[]
  /** The vendor works on: the deliveries covered that have no outcome yet are `accepted` and follow this job. */
  readonly job?: Job
  /** Send this at once: a second step of the same answer, e.g. the file in which the results are. At most 20 steps follow each other. */
  readonly next?: PlannedRequest
  /** What a read-back saw, for each delivery covered. */
  readonly observed?: readonly { readonly deliveryId: DeliveryId; readonly holds: 'wanted' | 'other' | 'unreadable' }[]
  /**
   * The recipient as a whole did not answer the question: its account is told, as for an outcome of that reason, and nothing is said about any delivery. For an
   * answer about a job, given again in `job`, that a bad moment of the vendor must not end.
   */
  readonly trouble?: { readonly reason: `${'unavailable' | 'auth' | 'configuration'}.${string}`; readonly retryAfterSeconds?: number }
  /** Where the vendor says how much is left: the account waits so many seconds before its next request. */
  readonly slowDownSeconds?: number
  /** The vendor's own name of this exchange, for its support. Logged with the request and nowhere else; at most 100 letters, digits, `.`, `_`, `:` and `-`. */
  readonly trace?: string
  /**
   * The recipient wants to be told nothing any more (its endpoint is retired, say). It is paused as an operator would pause it, its deliveries stay open, and an
   * operator lets it go on once that is mended.
   */
  readonly halt?: `configuration.${string}`
  /** The recipient has a gap: the next batch is a `full` one. Only for sequenced batches. */
  readonly needsFull?: boolean
}

/** A vendor's last word about a job, by a signed call of its own to the edge. The first one counts. */
export interface JobReport {
  readonly jobId: string
  readonly status: 'completed' | 'cancelled' | 'failed'
}

/** What a connector is and what its vendor allows; all figures come from the vendor's pages named in its README. */
export interface Descriptor {
  /** The kind of connector as the policy file names it. */
  readonly name: string
  readonly docs: string
  /** The kinds of identifier that the vendor can act on, best first. */
  readonly identifiers: readonly IdentifierKind[]
  /** True where no request ever holds an identifier (the duty of a person, say): the values in tasks are empty, and nothing is disclosed. */
  readonly withoutValues?: true
  readonly batch: {
    readonly maxTasks: number
    /** True where one request carries a whole batch, or one for each list: what a few tasks take then says nothing of what a batch takes. */
    readonly inOneRequest?: boolean
    /** Where set, tasks are collected so long before a batch is opened, unless it is full. */
    readonly collectSeconds?: number
    /**
     * True where batches carry a sequence without gap: one is sent at a time, its number and its tasks are kept before it is sent, and after a fault the same
     * batch is sent again before any other. Its job (an ack) is followed beside the batches after it.
     */
    readonly sequenced?: boolean
    /** True where the requests of one plan are sent one after the other, in the order of the plan; sequenced batches always are. */
    readonly inOrder?: boolean
    /** Where set, an empty batch is sent when nothing else was for so long. */
    readonly heartbeatSeconds?: number
    /** Where set, a `full` batch is sent so often, and also as the first one. */
    readonly fullEverySeconds?: number
  }
  readonly rate: {
    readonly concurrentRequests: number
    readonly requestsPerMinute?: number
    readonly requestsPerDay?: number
  }
  /** `in-response`: the answer is final. `by-job`: a later answer is. `never`: accepted is all that the vendor ever says. */
  readonly confirmation: 'in-response' | 'by-job' | 'never'
  readonly timeoutMs: number
  /** The longest answer that is read, bytes; 8 MiB where absent. A longer one counts as no answer. */
  readonly maxAnswerBytes?: number
  /** How long a recipient that fails is left alone, after the 1st, 2nd … failure in a row; the last one repeats. Doubling from 2 s to 5 min where absent. Each is jittered. */
  readonly retry?: { readonly scheduleSeconds: readonly number[] }
  /** After a request without answer the same subject waits so long before it is asserted again; 0 where a repeat is harmless at once. */
  readonly quietAfterUnknownSeconds: number
  readonly jobs?: {
    readonly maxPollSeconds: number
    /** A job without a final answer for so long is asserted again (a sequenced batch: the same one), and after three such times awaits a person. */
    readonly giveUpAfterSeconds: number
    /** True where the vendor applies works in the order in which they came, so that a newer wish need not wait for an older one's job. Sequenced batches: true where absent. */
    readonly newerMayOvertake?: boolean
    /** True where the vendor reports by itself (see `hear`) and is not asked. */
    readonly reported?: true
  }
  /** True where the vendor can be told to forget a person, which is more than to leave her out. Where absent, the policy may give its recipients no clock for erasure. */
  readonly erasure?: true
  /** How often a vendor that cannot be read is told every refusal again, unless the policy says otherwise; where absent, never by itself. */
  readonly reassertEveryDays?: number
  /** Whether and how often the vendor can be read back. */
  readonly readBack?: { readonly afterSeconds: number; readonly maxTasks: number; readonly share: number }
}

/** A credential as a setting names it: `env:NAME` or `file:/path`. The name is harmless; the value is read at the moment of sending. */
export type CredentialReference = string

/** Credentials by reference, as they are when a request leaves: a rotated key needs no restart. Nothing here prints a value. */
export interface Credentials {
  /** The value. Throws `CredentialError` (a fault of the configuration, which pauses the recipient) where there is none. */
  read(reference: CredentialReference): Promise<string>
  /** Keeps a new value that a vendor gave, e.g. a rotated refresh token, before it is used. Only `file:` references can be kept; throws `CredentialError` for others. */
  replace(reference: CredentialReference, value: string): Promise<void>
}

/** What a connector's `connect` is given. */
export interface TransportTools {
  readonly recipientId: RecipientId
  readonly credentials: Credentials
  readonly descriptor: Descriptor
  readonly clock: Clock
  readonly log: Logger
  /** True where `HEED_ENV` says `development`: only then may a setting allow what is unsafe, such as an endpoint on this machine. */
  readonly development?: true
}

/** A kind of recipient. `plan`, `follow`, `hear`, `readBack` and `interpret` are pure: no clock, no network, no credentials. */
export interface Connector<Settings> {
  readonly descriptor: Descriptor | ((settings: Settings) => Descriptor)
  /**
   * The settings of one recipient from the policy file, checked; throws `SettingsError` naming the field. `env:NAME` and `file:/path` references are resolved
   * by the kit before (always to text; one that is not set is absent), except those named `credential` or standing under `credentials`: these stay references.
   */
  parseSettings(settings: Readonly<Record<string, unknown>>): Settings
  /** Names the vendor account that limits are counted by, so that recipients of one account share them; the recipient's own where absent. No credentials. */
  account?(settings: Settings): string
  /** How requests leave: the kit's `httpTransport` or `fileTransport` with this vendor's address and credentials. Needed where a plan ever holds a request. */
  connect?(settings: Settings, tools: TransportTools): Transport
  /**
   * What to send for these tasks (at most `batch.maxTasks`; any number for a `full` batch; none for a heartbeat). Every task is covered at least once. A delivery
   * that several requests cover (two audiences, say) comes to the least settled of their outcomes: deferred before rejected before accepted before confirmed
   * before not applicable.
   */
  plan(tasks: readonly Task[], settings: Settings, batch: BatchContext): readonly (PlannedRequest | NothingToSend)[]
  /** What an answer to any of its requests means. Never throws, whatever the answer holds. */
  interpret(request: PlannedRequest, answer: Answer, settings: Settings): Interpretation
  /** What to ask about a job; needed where `interpret` ever gives one, unless the vendor reports by itself. */
  follow?(job: Job, covers: readonly DeliveryId[], settings: Settings): PlannedRequest
  /** What a report of the vendor about a job means; needed where the descriptor says `jobs.reported`. A report may come before the answer that begins the job. */
  hear?(report: JobReport, covers: readonly DeliveryId[], settings: Settings): Interpretation
  /** What to read to see that the vendor holds what is wanted; needed where the descriptor has `readBack`. */
  readBack?(tasks: readonly Task[], settings: Settings): readonly PlannedRequest[]
}

/** How requests leave. One for each recipient; it adds the credentials and is all that touches the network. */
export interface Transport {
  /** Sends one request and gives the answer, or why there is none. Throws only for faults of ours. */
  send(request: PlannedRequest, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<Answer | NoAnswer>
  /** Frees sockets and sessions. */
  close(): Promise<void>
}
