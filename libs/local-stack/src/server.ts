import type { RunningChild } from './child.ts'
import type { StackPart, StackSource } from './stack-file.ts'

/** A server that ended though nobody asked it to. */
export interface UnexpectedExit {
  part: StackPart
  /** One line for people: what ended, how, and where its log is. */
  message: string
  /** The last lines of its log. */
  detail: string
}

/** One part of a running stack. */
export interface StackServer {
  readonly part: StackPart
  readonly source: StackSource
  readonly version: string | undefined
  /** Kafka: `host:port`, several separated by commas; MongoDB: the connection string. */
  readonly address: string
  /** `host:port` for people; `undefined` for a given one, whose address may hold a password. */
  readonly at: string | undefined
  readonly pid: number | undefined
  kill(signal: NodeJS.Signals): Promise<void>
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Tells a stop that was asked for from one that was not. */
export function superviseExit(child: RunningChild, isWanted: () => boolean, report: (how: string) => void): void {
  void child.exited.then(({ code, signal }) => {
    if (isWanted()) return
    report(signal !== null ? `was ended by ${signal}` : code !== null ? `ended with code ${code}` : 'is gone')
  })
}
