import { parseRecipientId, type RecipientId } from '@heed/domain'

/** The recipient of that name. */
export function recipientId(name: string): RecipientId {
  const id = parseRecipientId(name)
  if (id === undefined) throw new RangeError(`${name} is no recipient id`)
  return id
}
