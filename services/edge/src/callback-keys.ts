import { readFile } from 'node:fs/promises'
import type { Policy, RecipientId } from '@heed/domain'
import { z } from 'zod'

const withCallback = z.object({ credentials: z.object({ callback: z.string() }) })

/**
 * The keys by which recipients' own calls are known: those of each recipient whose settings in the policy file name some as `credentials.callback`, `env:NAME` or
 * `file:/path`. Read anew at every call. Undefined for every other recipient, and where nothing is set.
 */
export function callbackKeys(
  policy: Policy,
  env: Readonly<Record<string, string | undefined>>,
): (recipientId: RecipientId) => Promise<string | undefined> {
  const references = new Map(
    policy.recipients.flatMap(({ id, fulfilment }) => {
      const settings = fulfilment.by === 'connector' ? withCallback.safeParse(fulfilment.settings).data : undefined
      return settings === undefined ? [] : [[id, settings.credentials.callback] as const]
    }),
  )
  return async (recipientId) => {
    const reference = references.get(recipientId)
    if (reference === undefined) return undefined
    const [, from, name = ''] = /^(env|file):(.+)$/s.exec(reference) ?? []
    const text = from === 'env' ? env[name] : from === 'file' ? await readFile(name, 'utf8') : undefined
    return text?.trim() || undefined
  }
}
