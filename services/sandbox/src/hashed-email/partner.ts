import type { Fact, Store } from '../frame/store.ts'
import { type Judgement, judge, type Row, type Submission } from './file-contract.ts'
import { type Agreement, hashOf, misreadHashes } from './profiles.ts'

/** What a partner holds about one hash in one scope. */
export interface Held {
  readonly hash: string
  readonly scope: string
  readonly effectiveAt: string
  readonly eventId: string
  /** When the partner took it over, in milliseconds on the sandbox's clock. */
  readonly takenAt: number
}

/** What the partner remembers of a file that it looked at. */
export interface Received {
  readonly sha256: string
  readonly status: AckStatus
  readonly rowsOk: number
  readonly rowsFailed: number
  /** Without a row where the file as a whole is refused. */
  readonly errors: readonly { readonly row?: number; readonly code: string }[]
}

export type AckStatus = 'accepted' | 'partial' | 'rejected'

/** What one partner knows: its people, what it suppresses, and which files it has seen. */
export interface Partner {
  readonly name: string
  readonly agreement: Agreement
  /** People of whom the partner has the clear address; it can say which of them it suppresses. */
  know(addresses: readonly string[]): void
  known(): readonly string[]
  addressOf(hash: string): string | undefined
  /** Everything that is suppressed, by hash. */
  held(): ReadonlyMap<string, readonly Held[]>
  /** Looks at a file and takes over what it says. The same bytes a second time change nothing and are answered as before. */
  receive(submission: Submission, now: number, poisoned: (hash: string, address: string | undefined) => boolean): Received
  /** Refuses a file for reasons of the partner's own and takes nothing over; a file that was taken before stays taken. */
  refuse(submission: Submission, code: string): Received
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
}

interface Stream {
  lastSeq: number | undefined
  /** By hash and scope. */
  readonly held: Map<string, Held>
}

/** A partner that knows nobody and has seen nothing. */
export function createPartner(name: string, agreement: Agreement, store: () => Store): Partner {
  const streams = new Map<string, Stream>()
  const received = new Map<string, Received>()
  const people = new Map<string, string>()
  const misread = new Map<string, string>()

  const streamOf = (key: string): Stream => {
    const stream = streams.get(key) ?? { lastSeq: undefined, held: new Map() }
    streams.set(key, stream)
    return stream
  }
  const know = (addresses: readonly string[]): void => {
    for (const address of addresses) {
      people.set(hashOf(address, agreement), address)
      for (const [hash, what] of misreadHashes(address, agreement)) misread.set(hash, what)
    }
  }
  const apply = (stream: string, kind: 'delta' | 'full', seq: number, rows: readonly Row[], takenAt: number): void => {
    const { held } = streamOf(stream)
    const before = new Map(held)
    if (kind === 'full') held.clear()
    for (const { op, hash, scope, effectiveAt, eventId } of rows) {
      const key = `${hash} ${scope}`
      if (op === 'remove') held.delete(key)
      else held.set(key, { hash, scope, effectiveAt, eventId, takenAt: before.get(key)?.takenAt ?? takenAt })
    }
    for (const key of before.keys()) if (!held.has(key)) store().remove('held', `${name}/${stream}/${key}`)
    for (const [key, value] of held) if (before.get(key)?.eventId !== value.eventId) store().put('held', `${name}/${stream}/${key}`, value)
    streamOf(stream).lastSeq = seq
    store().put('stream', `${name}/${stream}`, seq)
  }
  const keep = (file: string, answer: Received): Received => {
    received.set(file, answer)
    store().put('received', `${name}/${file}`, answer)
    return answer
  }

  return {
    name,
    agreement,
    know(addresses) {
      know(addresses)
      for (const address of addresses) store().put('known', `${name}/${address}`, true)
    },
    known: () => [...people.values()],
    addressOf: (hash) => people.get(hash),
    held() {
      const byHash = new Map<string, Held[]>()
      for (const { held } of streams.values()) {
        for (const one of held.values()) {
          const others = byHash.get(one.hash)
          if (others === undefined) byHash.set(one.hash, [one])
          else others.push(one)
        }
      }
      return byHash
    },
    receive(submission, now, poisoned) {
      const judgement = judge(submission, {
        agreement,
        lastSeq: (stream) => streams.get(stream)?.lastSeq,
        hashFault(hash) {
          const address = people.get(hash)
          if (poisoned(hash, address)) return 'hash.refused'
          return address === undefined ? misread.get(hash) : undefined
        },
      })
      const earlier = received.get(submission.file)
      if (earlier !== undefined && earlier.status !== 'rejected') {
        if (earlier.sha256 === judgement.sha256) return earlier
        return rejection('file.changed', judgement.sha256)
      }
      const answer = answerTo(judgement)
      if (judgement.taken && answer.status !== 'rejected') {
        const { stream, kind, seq } = judgement.name
        apply(stream, kind, seq, judgement.rows, now)
      }
      return keep(submission.file, answer)
    },
    refuse(submission, code) {
      const { sha256 } = judge(submission, { agreement, lastSeq: () => undefined, hashFault: () => undefined })
      const earlier = received.get(submission.file)
      const answer = rejection(code, sha256)
      return earlier === undefined || earlier.status === 'rejected' ? keep(submission.file, answer) : answer
    },
    *facts() {
      for (const address of people.values()) yield ['known', `${name}/${address}`, true]
      for (const [file, answer] of received) yield ['received', `${name}/${file}`, answer]
      for (const [stream, { lastSeq, held }] of streams) {
        if (lastSeq !== undefined) yield ['stream', `${name}/${stream}`, lastSeq]
        for (const [key, value] of held) yield ['held', `${name}/${stream}/${key}`, value]
      }
    },
    restore([kind, id, value]) {
      if (!id.startsWith(`${name}/`)) return false
      const rest = id.slice(name.length + 1)
      if (kind === 'known') know([rest])
      else if (kind === 'received') received.set(rest, value as Received)
      else if (kind === 'stream') streamOf(rest).lastSeq = value as number
      else if (kind === 'held') {
        const slash = rest.indexOf('/')
        streamOf(rest.slice(0, slash)).held.set(rest.slice(slash + 1), value as Held)
      } else return false
      return true
    },
    clear() {
      for (const [kind, id] of this.facts()) store().remove(kind, id)
      for (const one of [streams, received, people, misread]) one.clear()
    },
  }
}

function answerTo(judgement: Judgement): Received {
  if (!judgement.taken) return rejection(judgement.code, judgement.sha256, judgement.row)
  const { name, rows, errors, sha256 } = judgement
  // a full file of which nothing is left would lift every suppression: that is refused; a delta merely changes nothing
  const hollow = name.kind === 'full' && errors.length > 0 && rows.length === 0
  return {
    sha256,
    status: errors.length === 0 ? 'accepted' : hollow ? 'rejected' : 'partial',
    rowsOk: rows.length,
    rowsFailed: errors.length,
    errors,
  }
}

function rejection(code: string, sha256: string, row?: number): Received {
  return { sha256, status: 'rejected', rowsOk: 0, rowsFailed: 0, errors: [row === undefined ? { code } : { row, code }] }
}
