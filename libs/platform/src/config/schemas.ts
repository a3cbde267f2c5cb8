import { z } from 'zod'

/** A TCP port; 0 takes a free one. */
export const portNumber = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback)

/** A comma-separated list of `host:port`. */
export const brokerList = z
  .string()
  .transform((text) => text.split(',').map((broker) => broker.trim()))
  .pipe(z.array(z.string().regex(/^[^\s:]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/i, 'must be a list of host:port')).min(1))

/** `true`, `1`, `yes`, `on` or their opposites. */
export const flag = (fallback: boolean) =>
  z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] }).default(fallback)

/** The level of the log. */
export const logLevel = z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info')

/** A whole number of milliseconds, above zero. */
export const milliseconds = (fallback: number) => z.coerce.number().int().positive().default(fallback)
