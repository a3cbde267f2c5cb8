import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Router } from 'express'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Misbehaviour } from './misbehaviour.ts'
import type { Random } from './random.ts'
import type { LoggedRequest, RequestLog, RouteTotal } from './request-log.ts'
import type { Fact, Store } from './store.ts'

/** What the sandbox needs of a log; a pino logger fits. */
export type SandboxLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** What the frame gives to each vendor. */
export interface Stage {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly log: SandboxLog
  readonly requests: RequestLog
  /** Where the sandbox's HTTP listener is reached, without a slash at the end. */
  readonly origin: string
  /** The address that listeners of the vendor's own bind to. */
  readonly host: string
  /** A folder of the vendor's own; a temporary one, removed at the end, when the sandbox keeps nothing. */
  readonly folder: string
  /** Text from which a vendor makes its demo credentials, the same for the same seed. */
  readonly seed: string
  /** The vendor's facts; `everything` lists all that hold now. */
  openStore(everything: () => Iterable<Fact>): Store
  /** Reports a fault of the sandbox itself: the kind and place of the error, never its text. */
  failed(error: unknown): void
}

/** Whom a question is about. */
export interface PersonQuestion {
  readonly address?: string | undefined
  readonly hash?: string | undefined
}

/** What every vendor can be told and asked from code; the same is served under `/_control/<vendor>/`. */
export interface VendorControl<Kind extends string, Belief> {
  /** Switches a fault on. */
  misbehave(misbehaviour: Misbehaviour<Kind>): void
  /** Switches all faults off and lets go of requests that are held. */
  behave(): void
  misbehaving(): readonly Misbehaviour<Kind>[]
  /** The newest requests, oldest first. */
  requests(): LoggedRequest[]
  requestTotals(): RouteTotal[]
  clearRequests(): void
  /** Calls the listener after each request; returns how to stop that. */
  onRequest(listener: (request: LoggedRequest) => void): () => void
  /** What the vendor believes now, one entry for each person and place where it keeps one. */
  beliefs(): Belief[]
  /** What it believes about one person; empty when it knows nobody of that address or hash. */
  person(question: PersonQuestion): Belief[]
  /** Faults off, log empty, nobody known. How the vendor is set up stays. */
  reset(): void
}

/** A cell of the page: text, or a word with a colour. */
export type Cell = string | { readonly badge: string; readonly tone: 'stop' | 'go' | 'wait' | 'none' }

/** What the page shows of a vendor; the frame escapes and lays it out. */
export interface VendorPage {
  readonly title: string
  /** One sentence: who this is and where it listens. */
  readonly about: string
  readonly figures: readonly (readonly [label: string, value: string | number])[]
  readonly columns: readonly string[]
  /** What the vendor believes, newest change first, at most `rows` people. */
  rows(limit: number): readonly (readonly Cell[])[]
  /** What it believes about one person. */
  rowsAbout(question: PersonQuestion): readonly (readonly Cell[])[]
}

/** What the frame needs of `VendorControl`, whatever the vendor's kinds and beliefs are. */
export interface Controllable {
  behave(): void
  misbehaving(): readonly Misbehaviour[]
  requests(): LoggedRequest[]
  requestTotals(): RouteTotal[]
  clearRequests(): void
  beliefs(): readonly object[]
  person(question: PersonQuestion): readonly object[]
  reset(): void
}

/** A vendor that is being played. */
export interface Vendor<Api extends { readonly control: Controllable }> {
  /** What `startSandbox` hands out under the vendor's key. */
  readonly api: Api
  /** Checks and switches on what was POSTed; throws a `ZodError` that names the field. */
  readonly misbehave: (body: unknown) => void
  readonly page: VendorPage
  /** Serves requests below the vendor's mount, with the path after it; absent for other protocols. */
  readonly handle?: (incoming: IncomingMessage, response: ServerResponse, path: string) => void
  /** Adds what only this vendor can be told, below `/_control/<vendor>/`. */
  readonly controlRoutes?: (router: Router) => void
  stop(): Promise<void>
}

/** One vendor of the cast. */
export interface VendorDefinition<Name extends string, Options, Api extends { readonly control: Controllable }> {
  /** The vendor's name in addresses and options; an HTTP interface is mounted at `/<name>`. */
  readonly name: Name
  play(stage: Stage, options: Options): Promise<Vendor<Api>>
}
