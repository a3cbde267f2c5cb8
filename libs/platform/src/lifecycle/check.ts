/** What a readiness page shows of one thing that a service needs. */
export interface CheckResult {
  name: string
  ok: boolean
  /** In a few words, without personal data. */
  detail?: string
}
