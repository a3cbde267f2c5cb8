/** One sentence of the prose policy. */
export interface Sentence {
  /** The number of the section that it stands in. */
  readonly clause: string
  /** Where it begins in the file, from 1. */
  readonly line: number
  readonly column: number
  readonly text: string
}

/** The prose policy, cut into sections and sentences. */
export interface Prose {
  /** The sentences in order. A line of its own without a mark at its end (a sub-heading, a bullet) counts as one; the numbered headings do not. */
  readonly sentences: readonly Sentence[]
  /** Each section's whole text on one line, by number; section `0` is what stands before the first heading. */
  readonly sections: ReadonlyMap<string, string>
}

// "1. WHAT INFORMATION …", "10 HOW TO CONTACT US": a number and nothing but capitals
const heading = /^(\d{1,2})\.?\s+[\p{Lu}\s’',&-]+[?.]?$/u
// a mark that ends a sentence, closing quotes or brackets, space, and something that can begin one
const boundary = /(?<=[.!?][”’")]*)\s+(?=[\p{Lu}“‘"(])/u
// after these a sentence goes on, although a capital follows
const abbreviation = /(?:\be\.g|\bi\.e|\bU\.S|\bNo|\bvs|\betc|\bSt)\.$/

/** Text on one line, with single spaces and without a bullet in front. */
export function onOneLine(text: string): string {
  return text
    .replace(/^\s*-\s+/gm, '')
    .replace(/\s+/gu, ' ')
    .trim()
}

function sentencesOf(line: string): string[] {
  const parts: string[] = []
  for (const part of onOneLine(line).split(boundary)) {
    const before = parts.at(-1)
    if (before !== undefined && abbreviation.test(before)) parts[parts.length - 1] = `${before} ${part}`
    else parts.push(part)
  }
  return parts
}

/** Cuts the prose at its numbered headings, its lines and the ends of its sentences. */
export function readProse(text: string): Prose {
  const sentences: Sentence[] = []
  const sections = new Map<string, string>()
  let clause = '0'
  for (const [index, line] of text.split('\n').entries()) {
    const found = heading.exec(line.trim())
    if (found?.[1] !== undefined) {
      clause = found[1]
      continue
    }
    if (line.trim() === '') continue
    sections.set(clause, `${sections.get(clause) ?? ''} ${onOneLine(line)}`.trim())
    let from = 0
    for (const sentence of sentencesOf(line)) {
      const at = line.indexOf(sentence, from)
      // white space within it may differ from the file's own: then it begins after the one before
      const column = (at < 0 ? from : at) + 1
      if (at >= 0) from = at + sentence.length
      sentences.push({ clause, line: index + 1, column, text: sentence })
    }
  }
  return { sentences, sections }
}
