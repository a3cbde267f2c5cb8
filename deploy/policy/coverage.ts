import { connectorOf, findForm, mustBeTold, type Policy, type PolicyProblem, type Quotation, type Recipient } from '@heed/domain'
import type { UsableForms } from './connector-kinds.ts'
import { onOneLine, type Prose, type Sentence } from './prose.ts'

/** The sections whose every sentence has to be claimed: what is collected, shared, linked, shown and chosen. */
export const claimedSections: readonly string[] = ['1', '2', '3', '4', '5', '7', '8']

/** Whatever quotes the prose: a purpose, a recipient, or a claim that nobody has to be told. */
export type Claimant =
  | { readonly kind: 'purpose'; readonly id: string }
  | { readonly kind: 'recipient'; readonly id: string }
  | { readonly kind: 'claim'; readonly id: string; readonly reason: string }

/** One sentence with all that quote it. */
export interface ClaimedSentence extends Sentence {
  readonly by: readonly Claimant[]
}

/** What the check depends on. */
export interface CoverageInput {
  readonly policy: Policy
  readonly prose: Prose
  /** Every kind of connector that is known. */
  readonly kinds: Readonly<Record<string, UsableForms>>
  /** Those of them that can erase. */
  readonly erasing: readonly string[]
  /** The kinds whose workspace stands. */
  readonly built: readonly string[]
}

/** Where something is to be mended: a part of the policy, or a place in the prose. */
export type Place =
  | { readonly in: 'policy'; readonly path: Path }
  | { readonly in: 'prose'; readonly line: number; readonly column: number }

/** One thing that is wrong, and where. */
export interface CoverageProblem {
  readonly place: Place
  readonly message: string
}

/** What the check found: every problem, and who claims each sentence. */
export interface Coverage {
  readonly problems: readonly CoverageProblem[]
  readonly sentences: readonly ClaimedSentence[]
}

type Path = PolicyProblem['path']

/** A problem at a part of the policy. */
export const atPolicy = (path: Path, message: string): CoverageProblem => ({ place: { in: 'policy', path }, message })

interface Claiming {
  readonly claimant: Claimant
  readonly where: string
  readonly path: Path
  readonly quotation: Quotation
}

function claimings(policy: Policy): Claiming[] {
  const of = (claimant: Claimant, path: Path, entry: Quotation & { readonly also?: readonly Quotation[] }): Claiming[] =>
    [entry, ...(entry.also ?? [])].map((quotation, index) => ({
      claimant,
      where: `${claimant.kind} ${claimant.id}`,
      path: [...path, ...(index === 0 ? [] : ['also', index - 1]), 'quote'],
      quotation,
    }))
  return [
    ...policy.purposes.flatMap((purpose, index) => of({ kind: 'purpose', id: purpose.key }, ['purposes', index], purpose)),
    ...policy.recipients.flatMap((recipient, index) =>
      // the prose names a retired one no more: what it quotes stood in an earlier one
      recipient.retired === undefined ? of({ kind: 'recipient', id: recipient.id }, ['recipients', index], recipient) : [],
    ),
    ...(policy.claims ?? []).flatMap((claim, index) =>
      of({ kind: 'claim', id: `${index + 1}`, reason: claim.reason }, ['claims', index], claim),
    ),
  ]
}

/** The sentences that a text is made of, or undefined where it is not whole sentences that follow each other. */
function quotedSentences(text: string, sentences: readonly Sentence[]): readonly Sentence[] | undefined {
  for (let start = 0; start < sentences.length; start += 1) {
    let joined = ''
    for (let end = start; end < sentences.length && joined.length < text.length; end += 1) {
      joined = `${joined} ${sentences[end]?.text ?? ''}`.trim()
      if (joined === text) return sentences.slice(start, end + 1)
    }
  }
  return undefined
}

const shown = (text: string): string => (text.length > 90 ? `“${text.slice(0, 88)}…”` : `“${text}”`)

function quotationProblem({ where, quotation }: Claiming, prose: Prose): string {
  const { clause } = quotation
  const text = onOneLine(quotation.quote)
  const elsewhere = [...prose.sections].filter(([, section]) => section.includes(text)).map(([number]) => number)
  if (elsewhere.includes(clause))
    return `${where}: the quotation cuts through a sentence of section ${clause}; quote whole sentences: ${shown(text)}`
  if (elsewhere.length > 0) return `${where}: the quotation stands in section ${elsewhere.join(', ')}, not in ${clause}: ${shown(text)}`
  return `${where}: the prose does not say in section ${clause}: ${shown(text)}`
}

function proseProblems(policy: Policy, prose: Prose): { problems: CoverageProblem[]; sentences: ClaimedSentence[] } {
  const problems: CoverageProblem[] = []
  const by = new Map<Sentence, Claimant[]>()
  for (const claiming of claimings(policy)) {
    const { clause, quote } = claiming.quotation
    const inSection = prose.sentences.filter((sentence) => sentence.clause === clause)
    const quoted = quotedSentences(onOneLine(quote), inSection)
    if (quoted === undefined) problems.push(atPolicy(claiming.path, quotationProblem(claiming, prose)))
    for (const sentence of quoted ?? []) by.set(sentence, [...(by.get(sentence) ?? []), claiming.claimant])
  }
  for (const sentence of prose.sentences) {
    if (!claimedSections.includes(sentence.clause) || by.has(sentence)) continue
    const { clause, line, column, text } = sentence
    problems.push({
      place: { in: 'prose', line, column },
      message: `section ${clause}: no purpose, recipient or claim quotes ${shown(text)}`,
    })
  }
  for (const section of claimedSections) {
    if (!prose.sections.has(section))
      problems.push({ place: { in: 'prose', line: 1, column: 1 }, message: `the prose has no section ${section}` })
  }
  return { problems, sentences: prose.sentences.map((sentence) => ({ ...sentence, by: by.get(sentence) ?? [] })) }
}

const secretKey = /(?:credential|secret|password|passphrase|token|private-?key|api-?key)s?$/i
const reference = /^(?:env:[A-Z][A-Z0-9_]*|file:\/[^\s]+)$/

function openParts(group: object, path: Path): Path[] {
  return Object.entries(group).flatMap(([key, inner]) => {
    const here = below(group, path, key)
    if (typeof inner === 'object' && inner !== null) return openParts(inner, here)
    return typeof inner === 'string' && reference.test(inner) ? [] : [here]
  })
}

const below = (group: object, path: Path, key: string): Path => [...path, Array.isArray(group) ? Number(key) : key]

/** The paths of settings that are called a secret and hold one, rather than say where it is found. */
function openSecrets(value: unknown, path: Path): Path[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = below(value, path, key)
    // a group of secrets (`credentials`) is a secret in each of its parts, whatever they are called
    if (secretKey.test(key) && typeof inner === 'object' && inner !== null) return openParts(inner, here)
    if (secretKey.test(key) && !(typeof inner === 'string' && reference.test(inner))) return [here]
    return openSecrets(inner, here)
  })
}

function connectorProblems(
  recipient: Recipient,
  path: Path,
  { kinds, erasing }: Pick<CoverageInput, 'kinds' | 'erasing'>,
): CoverageProblem[] {
  const { fulfilment, grants, erasure } = recipient
  const connector = connectorOf(recipient)
  if (connector === undefined) return []
  const at = (part: Path, message: string) => atPolicy([...path, ...part], `recipient ${recipient.id}: ${message}`)
  const settings = fulfilment.by === 'connector' ? fulfilment.settings : {}
  const usable = Object.hasOwn(kinds, connector) ? kinds[connector] : undefined
  if (usable === undefined)
    return [at(['fulfilment', 'connector'], `no connector is called "${connector}"; there are ${Object.keys(kinds).join(', ')}`)]
  const problems = grants.flatMap(({ kind, form }, index) => {
    const forms = usable[kind]
    if (forms === undefined) return [at(['grants', index, 'kind'], `is granted ${kind}, which a ${connector} connector does not use`)]
    if (forms.includes(form)) return []
    return [at(['grants', index, 'form'], `is granted ${kind} as ${form}; a ${connector} connector takes ${forms.join(', ')}`)]
  })
  // whether a person can erase is for the policy to say
  const driver = typeof settings.transport === 'string' ? `${connector}/${settings.transport}` : connector
  const erases = fulfilment.by === 'person' ? erasure !== undefined : erasing.includes(connector) || erasing.includes(driver)
  if (erasure !== undefined && !erases) problems.push(at(['erasure'], `has a clock for erasure, and a ${connector} connector cannot erase`))
  if (erasure === undefined && erases) problems.push(at([], `a ${connector} connector can erase: give it a clock for erasure`))
  const { hashProfile } = settings
  const profilePath = ['fulfilment', 'settings', 'hashProfile']
  if (hashProfile !== undefined) {
    if (typeof hashProfile !== 'string' || findForm(hashProfile) === undefined) {
      problems.push(at(profilePath, 'the hash profile in its settings is unknown'))
    } else if (!grants.some(({ kind, form }) => kind === 'email' && form === hashProfile)) {
      problems.push(at(profilePath, `its settings want e-mail as ${hashProfile}, and that form is not granted`))
    }
  }
  return [
    ...problems,
    ...openSecrets(settings, []).map((secret) =>
      at(
        ['fulfilment', 'settings', ...secret],
        `the setting ${secret.join('.')} is called a secret: write env:NAME or file:/path, never the secret itself`,
      ),
    ),
  ]
}

function servingProblems({ policy, kinds, built }: CoverageInput): CoverageProblem[] {
  const problems: CoverageProblem[] = []
  for (const [index, { key, refusable }] of policy.purposes.entries()) {
    const told = policy.recipients.some(
      (recipient) => mustBeTold(recipient) && recipient.retired === undefined && recipient.purposes.includes(key),
    )
    if (refusable && !told)
      problems.push(atPolicy(['purposes', index], `purpose ${key}: it can be refused, and no recipient that is told serves it`))
  }
  for (const [index, recipient] of policy.recipients.entries()) {
    const kind = connectorOf(recipient)
    if (kind !== undefined && Object.hasOwn(kinds, kind) && !built.includes(kind)) {
      const message = `recipient ${recipient.id}: connector ${kind} has no workspace under services/connectors; its deliveries would wait for ever`
      problems.push(atPolicy(['recipients', index, 'fulfilment'], message))
    }
  }
  const used = policy.recipients.flatMap((recipient) => connectorOf(recipient) ?? [])
  for (const kind of built) {
    if (!Object.hasOwn(kinds, kind))
      problems.push(atPolicy(['recipients'], `connector ${kind}: it stands under services/connectors and is no known kind`))
    else if (!used.includes(kind)) problems.push(atPolicy(['recipients'], `connector ${kind}: no recipient of the policy uses it`))
  }
  return problems
}

/** Checks a policy against the prose that it mirrors and against what connectors can do. The same input gives the same answer. */
export function checkCoverage(input: CoverageInput): Coverage {
  const { policy, prose } = input
  const { problems, sentences } = proseProblems(policy, prose)
  return {
    problems: [
      ...problems,
      ...policy.recipients.flatMap((recipient, index) => connectorProblems(recipient, ['recipients', index], input)),
      ...servingProblems(input),
    ],
    sentences,
  }
}
