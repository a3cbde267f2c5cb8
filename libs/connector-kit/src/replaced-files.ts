import { readFile } from 'node:fs/promises'
import { systemClock } from '@heed/platform/clock'

/** What came of reading a file: its text, or why there is none. */
export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'none'; readonly why: 'unreadable' | 'empty' | 'changing' }

/** Told once for each change, however many ask. */
export interface FileEvents {
  /** The file has another text. */
  renewed(path: string): void
  /** It is missing, empty or being written: what it held before goes on. */
  kept(path: string): void
}

/** The texts of files that others replace while this process runs. */
export interface ReplacedFiles {
  /**
   * The text as it is now, trimmed; where the file cannot be read now, the one that it held before. A new text counts when it stands there twice in a row, a
   * moment apart: half of one does not.
   */
  read(path: string): Promise<FileText>
  /** Whoever asks from now on is not answered by a look that began before. */
  forget(path: string): void
}

// Longer than a writer needs between two blocks of a file of a few kilobytes.
const settleMs = 50
const looks = 6

/**
 * Files as they are at each call. Nothing is concluded from times or sizes of files: a store of secrets may set the same time on every version, and swap a link
 * above the file in place of the file. Many who ask at once share one look.
 */
export function replacedFiles(events: FileEvents): ReplacedFiles {
  const known = new Map<string, { readonly text: string; readonly kept: boolean }>()
  const looking = new Map<string, Promise<FileText>>()

  const textAt = async (path: string): Promise<string | undefined> => {
    try {
      return (await readFile(path, 'utf8')).trim()
    } catch {
      // the system's own error is not passed on: it may quote more of the path's surroundings than a log should hold
      return undefined
    }
  }

  const look = async (path: string): Promise<FileText> => {
    const before = known.get(path)
    let text = await textAt(path)
    let rests = before !== undefined && text === before.text
    for (let count = 1; !rests && count < looks; count += 1) {
      await systemClock.sleep(settleMs)
      const next = await textAt(path)
      rests = next === text
      text = next
    }
    if (rests && text !== undefined && text !== '') {
      known.set(path, { text, kept: false })
      if (before !== undefined && before.text !== text) events.renewed(path)
      return { kind: 'text', text }
    }
    if (before === undefined) return { kind: 'none', why: !rests ? 'changing' : text === '' ? 'empty' : 'unreadable' }
    known.set(path, { text: before.text, kept: true })
    if (!before.kept) events.kept(path)
    return { kind: 'text', text: before.text }
  }

  return {
    read: (path) => {
      const begun = looking.get(path)
      if (begun !== undefined) return begun
      const mine = look(path).finally(() => {
        if (looking.get(path) === mine) looking.delete(path)
      })
      looking.set(path, mine)
      return mine
    },
    forget: (path) => {
      looking.delete(path)
      known.delete(path)
    },
  }
}
