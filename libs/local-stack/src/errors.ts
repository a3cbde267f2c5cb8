/** Why a local stack could not be started or used; the list is closed so that a caller can switch over it. */
export type LocalStackProblem =
  | 'missing-tool'
  | 'unsupported-platform'
  | 'fetch-failed'
  | 'other-version'
  | 'data-in-use'
  | 'data-elsewhere'
  | 'port-busy'
  | 'start-failed'
  | 'not-ours'

/** An expected failure of the local stack. `message` is one line that says what is wrong and what to do; `detail` may hold a log's last lines. */
export class LocalStackError extends Error {
  override readonly name = 'LocalStackError'
  readonly problem: LocalStackProblem
  readonly detail: string | undefined

  constructor(problem: LocalStackProblem, message: string, options: { cause?: unknown; detail?: string } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.problem = problem
    this.detail = options.detail
  }
}

/** The first line of anything thrown, for a message that must stay one line. */
export function firstLineOf(problem: unknown): string {
  const text = problem instanceof Error ? problem.message : String(problem)
  return text.split('\n', 1)[0] ?? ''
}

/** The `code` of a Node system error (`ENOENT`, `EADDRINUSE`, …), else `undefined`. */
export function systemCodeOf(problem: unknown): string | undefined {
  return problem instanceof Error && 'code' in problem && typeof problem.code === 'string' ? problem.code : undefined
}
