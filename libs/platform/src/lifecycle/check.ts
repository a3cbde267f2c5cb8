/** What a readiness page shows of one thing that a service needs. */
export interface CheckResult {
  name: string
  ok: boolean
  /** It works, and somebody should look: nobody is turned away for it. */
  degraded?: boolean
  /** In a few words, without personal data. */
  detail?: string
}
