import { slidingQuota } from '../frame/quota.ts'

/** What an ad account may ask for in an hour. */
export interface Usage {
  /** Counts a call; `false` when the budget is used up. */
  take(): boolean
  /** `X-Business-Use-Case-Usage`, which stands on every answer. */
  header(regainMinutes?: number): Readonly<Record<string, string>>
  clear(): void
}

/** How large the budget is and how much of it is shown as used. */
export interface UsageSettings {
  accessTier: 'limited' | 'full'
  /** Instead of the tier's formula, or `null`. */
  callsPerHour: number | null
  /** Shown instead of what was really used, as when another app of the business used it; or `null`. */
  usagePercent: number | null
}

const HOUR_MS = 3_600_000
const CEILING = 700_000
const BASE = { limited: 5000, full: 190_000 } as const

/** The budget of an ad account with this many active audiences. */
export function createUsage(now: () => number, businessId: string, settings: UsageSettings, activeAudiences: () => number): Usage {
  const budget = (): number => settings.callsPerHour ?? Math.min(CEILING, BASE[settings.accessTier] + 40 * activeAudiences())
  const quota = slidingQuota(now, HOUR_MS, budget)
  return {
    take: () => quota.take(),
    header(regainMinutes) {
      const used = settings.usagePercent ?? (regainMinutes === undefined ? Math.floor((100 * quota.used()) / budget()) : 100)
      const minutes = regainMinutes ?? (used >= 100 ? Math.ceil(quota.resetsInMs() / 60_000) : 0)
      const row = { type: 'custom_audience', call_count: used, total_cputime: 1, total_time: 1, estimated_time_to_regain_access: minutes }
      return { 'x-business-use-case-usage': JSON.stringify({ [businessId]: [row] }) }
    },
    clear: () => quota.clear(),
  }
}
