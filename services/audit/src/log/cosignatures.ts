import { formatSignature, openNote, parseCheckpoint, parseNote, type VerifierKey } from '@heed/merkle-log'
import type { LogReader, LogStore } from '@heed/trail'

/** What became of cosignatures that somebody sent. */
export type CosignatureVerdict =
  | { readonly ok: true; readonly size: number; readonly witnesses: readonly string[] }
  | { readonly ok: false; readonly reason: 'malformed' | 'unknown-checkpoint' | 'no-known-witness'; readonly detail: string }

/**
 * Takes cosignatures of a checkpoint that this log published. Who sends them needs no other right: a signature by a known witness over a checkpoint that the log itself
 * signed says no more than it says. Never throws for what was sent. One witness has one cosignature of a checkpoint: the newest.
 */
export async function addCosignatures(
  store: Pick<LogStore, 'cosignatures'>,
  reader: Pick<LogReader, 'checkpoint'>,
  witnesses: readonly VerifierKey[],
  sent: string,
): Promise<CosignatureVerdict> {
  const opened = openNote(sent, witnesses)
  if (!opened.ok) {
    return { ok: false, reason: opened.reason === 'note.unknown-signers' ? 'no-known-witness' : 'malformed', detail: opened.detail }
  }
  let size: number
  try {
    size = parseCheckpoint(opened.text).size
  } catch {
    return { ok: false, reason: 'malformed', detail: 'The signed text is no checkpoint.' }
  }
  const own = await reader.checkpoint(size)
  if (own === undefined || parseNote(own.note).text !== opened.text) {
    return { ok: false, reason: 'unknown-checkpoint', detail: 'This log has published no such checkpoint, or keeps it no longer.' }
  }
  const lines = parseNote(sent).signatures
  const names: string[] = []
  for (const { key, atSeconds } of opened.verified) {
    if (key.type !== 'cosignature-v1' || atSeconds === undefined) continue
    const line = lines.find(({ name, keyId }) => name === key.name && keyId === key.keyId)
    if (line === undefined) continue
    names.push(key.name)
    await store.cosignatures.replaceOne(
      { _id: `${size}/${key.name}+${key.keyId}` },
      { size, line: formatSignature(line), at: new Date(atSeconds * 1_000) },
      { upsert: true },
    )
  }
  return { ok: true, size, witnesses: names }
}
