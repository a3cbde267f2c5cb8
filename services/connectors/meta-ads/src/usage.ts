import { z } from 'zod'

const percentage = z.number().catch(0)
const entry = z.object({
  call_count: percentage,
  total_cputime: percentage,
  total_time: percentage,
  estimated_time_to_regain_access: z.number().nonnegative().catch(0),
})
const usage = z.record(
  z.string(),
  z.array(entry.catch({ call_count: 0, total_cputime: 0, total_time: 0, estimated_time_to_regain_access: 0 })),
)

/** How much of its budget an account has used, and how long until it may go on. */
export interface Usage {
  /** The fullest of all that is counted; 100 = spent. */
  readonly percent: number
  /** 0 where nothing is shut. */
  readonly regainSeconds: number
}

/** The header `X-Business-Use-Case-Usage`: counts by business or account, the wait in minutes. Undefined where there is none, or none that can be read. */
export function usageOf(header: string | undefined): Usage | undefined {
  if (header === undefined) return undefined
  let json: unknown
  try {
    json = JSON.parse(header)
  } catch {
    return undefined
  }
  const entries = Object.values(usage.safeParse(json).data ?? {}).flat()
  if (entries.length === 0) return undefined
  return {
    percent: Math.max(...entries.flatMap((one) => [one.call_count, one.total_cputime, one.total_time])),
    regainSeconds: Math.min(86_400, Math.max(...entries.map((one) => one.estimated_time_to_regain_access)) * 60),
  }
}

// where a spent budget is said to be spent and not for how long
const unnamedWaitSeconds = 300

/** How long to leave the account alone: not at all below 75 %, longer and longer up to 95 %, and from there as long as the vendor says. */
export function slowDownOf({ percent, regainSeconds }: Usage): number | undefined {
  if (percent >= 95 || regainSeconds > 0) return regainSeconds > 0 ? regainSeconds : unnamedWaitSeconds
  return percent < 75 ? undefined : Math.round(5 + ((percent - 75) / 20) * 55)
}

/** How long after a refusal for its rate: as long as the vendor says, and where it does not, as for a budget that is spent. */
export const waitAfterRefusal = (seen: Usage | undefined): number =>
  seen !== undefined && seen.regainSeconds > 0 ? seen.regainSeconds : unnamedWaitSeconds
