import { type Authentication, AuthenticationError, type CredentialReference, type Credentials } from '@heed/connector-kit'
import { parseSigningKeys, signWebhook, type WebhookKey, WebhookKeysError } from '@heed/contracts'
import type { Clock } from '@heed/platform/clock'

/**
 * Signs each try of a message with its own time and the exact bytes that leave, by every key that lasts. The keys are read anew, so that a rotation needs no restart.
 * A key that cannot be used is a fault of the set-up: nothing is sent.
 */
export function webhookAuthentication(
  credentials: Credentials,
  reference: CredentialReference,
  kind: WebhookKey['kind'],
  clock: Clock,
): Authentication {
  let read: { readonly text: string; readonly keys: readonly WebhookKey[] } | undefined

  const keysOf = (text: string): readonly WebhookKey[] => {
    if (read?.text !== text) read = { text, keys: parseSigningKeys(text) }
    return read.keys
  }

  return {
    headers: async ({ headers, body }) => {
      const text = await credentials.read(reference)
      try {
        const keys = keysOf(text)
        // during a change from one kind to the other the partner still knows the older key
        if (keys[0]?.kind !== kind) throw new WebhookKeysError('the newest key is of another kind than the settings say')
        const call = { id: headers['webhook-id'] ?? '', timestampSeconds: Math.floor(clock.now() / 1000), body: body ?? new Uint8Array() }
        return signWebhook(call, keys)
      } catch (thrown) {
        if (thrown instanceof WebhookKeysError) throw new AuthenticationError('configuration.signing-key-unusable', thrown.message)
        throw thrown
      }
    },
  }
}
