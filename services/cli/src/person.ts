import { choiceWords, identifierKindWords } from '@heed/contracts'
import type { Identifier } from '@heed/contracts/gen/heed/common/v1/Identifier.ts'
import type { PurposeChoice } from '@heed/contracts/gen/heed/common/v1/PurposeChoice.ts'
import type { SubjectRef } from '@heed/contracts/gen/heed/common/v1/SubjectRef.ts'
import { type Choice, type IdentifierKind, identifierKinds, parseIdentifier, parseSubjectId } from '@heed/domain'
import { InputError } from './failures.ts'

/** The kind that a text looks like: an address, a phone number in E.164, or (with `--kind`) whatever the caller says. */
function kindOf(text: string, kind: string | undefined): IdentifierKind {
  if (kind !== undefined) {
    const known = identifierKinds.find((candidate) => candidate === kind)
    if (known === undefined) throw new InputError(`--kind: one of ${identifierKinds.join(', ')}`)
    return known
  }
  if (text.includes('@')) return 'email'
  if (text.startsWith('+')) return 'phone'
  throw new InputError('say which kind of identifier this is: --kind user-id, browser-id, idfa …')
}

/** An identifier typed by a person at a terminal. Throws `InputError` that says how to mend it and does not repeat it. */
export function identifierFrom(text: string, kind?: string): Identifier {
  const known = kindOf(text, kind)
  const parsed = parseIdentifier(known, text)
  if (!parsed.ok) throw new InputError(`${known}: ${parsed.message}`)
  return { kind: identifierKindWords.toWire(known), value: parsed.identifier.value }
}

/** Who is meant: a subject id (`s-…`) or an identifier. */
export function subjectFrom(text: string, kind?: string): SubjectRef {
  const subjectId = kind === undefined ? parseSubjectId(text) : undefined
  return subjectId === undefined ? { identifier: identifierFrom(text, kind) } : { subjectId }
}

/** The same choice for each purpose. */
export function choicesFrom(purposes: readonly string[], choice: Choice): PurposeChoice[] {
  return purposes.map((purpose) => ({ purpose, choice: choiceWords.toWire(choice) }))
}
