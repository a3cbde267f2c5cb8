import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Occasion } from '../frame/misbehaviour.ts'
import type { Fact, Store } from '../frame/store.ts'
import type { Stage } from '../frame/vendor.ts'
import { ACK_SUFFIX, MANIFEST_SUFFIX, readFileName, type Submission } from './file-contract.ts'
import type { Partner, Received } from './partner.ts'

/**
 * The partner's side of a folder with `in/` and `ack/`: it takes up every manifest that appears in `in/`, one file after
 * the other in the order of arrival, and answers in `ack/`. How the files came there (SFTP, a shared folder) is no matter.
 */
export interface Inbox {
  readonly root: string
  readonly partner: Partner
  /** Takes up what is new in `in/`. Cheap when nothing is. */
  look(): void
  /** Looks by itself every so often, for folders that nobody announces changes of. */
  watch(everyMs: number): void
  /** Resolves when every file taken up so far is answered, or never will be. */
  idle(): Promise<void>
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
  stop(): void
}

/** The switches that spoil what a partner makes of a file, however the file came. */
export const ackKinds = ['late-ack', 'never-ack', 'negative-ack', 'partial-ack', 'garbled-ack', 'poison'] as const
export type AckFault = (typeof ackKinds)[number]

/** How the partner works through its inbox. */
export interface InboxContext {
  readonly stage: Stage
  readonly switches: { take(kind: AckFault, occasion: Occasion): { readonly ms?: number | undefined } | undefined }
  readonly store: () => Store
  /** How long the partner takes over a file, in milliseconds on the sandbox's clock. */
  ackDelayMs(): number
}

interface Waiting {
  readonly file: string
  readonly dueAt: number
}

const LATE_MS = 60_000

/** An inbox at `root`; the folders are made when they are missing. */
export function createInbox(root: string, partner: Partner, context: InboxContext): Inbox {
  const { stage, switches, store } = context
  const incoming = join(root, 'in')
  const acks = join(root, 'ack')
  // the manifest (by inode and time) that each file was last taken up with: a second upload is another manifest
  const seen = new Map<string, string>()
  const queue: Waiting[] = []
  let cancel: (() => void) | undefined
  let stopped = false
  let watching: NodeJS.Timeout | undefined
  const open = (): void => {
    mkdirSync(incoming, { recursive: true })
    mkdirSync(acks, { recursive: true })
  }
  open()

  const takeUp = (file: string, stamp: string): void => {
    seen.set(file, stamp)
    const late = switches.take('late-ack', { path: partner.name })
    queue.push({ file, dueAt: stage.clock.now() + (late === undefined ? context.ackDelayMs() : (late.ms ?? LATE_MS)) })
    pump()
  }
  const pump = (): void => {
    const head = queue[0]
    if (head === undefined || cancel !== undefined || stopped) return
    const mine = stage.clock.after(head.dueAt - stage.clock.now(), async () => {
      try {
        await answer(head)
      } finally {
        if (queue[0] === head) queue.shift()
        if (cancel === mine) cancel = undefined
        pump()
      }
    })
    cancel = mine
  }
  const answer = async (turn: (typeof queue)[number]): Promise<void> => {
    const { file } = turn
    const startedAt = performance.now()
    const manifest = readIfThere(join(incoming, file + MANIFEST_SUFFIX))
    if (manifest === undefined) return
    const submission: Submission = { file, manifest, bytes: readIfThere(join(incoming, file)) }
    const spoilt = (kind: AckFault): boolean => switches.take(kind, { path: partner.name }) !== undefined

    const received = spoilt('negative-ack')
      ? partner.refuse(submission, 'partner.refused')
      : partner.receive(submission, stage.clock.now(), poison(submission))
    const silent = spoilt('never-ack')
    // what the file said is kept before the ack tells so; a kill in between answers once more, which changes nothing
    await store().flush()
    // everything was forgotten meanwhile
    if (queue[0] !== turn) return
    if (!silent) writeAck(file, received, spoilt('garbled-ack'))
    store().put('answered', `${partner.name}/${file}`, seen.get(file))
    stage.requests.record({
      at: new Date(stage.clock.now()).toISOString(),
      method: 'FILE',
      path: `/${partner.name}/in/{${readFileName(file)?.kind ?? 'file'}}`,
      status: received.status,
      items: received.rowsOk + received.rowsFailed,
      durationMs: Math.round((performance.now() - startedAt) * 10) / 10,
      ...(silent ? { misbehaved: 'never-ack' } : {}),
      ...(received.errors[0] === undefined ? {} : { remark: received.errors[0].code }),
    })
  }
  // `partial-ack` refuses the first row of a file, `poison` the rows of a person
  const poison = (submission: Submission): ((hash: string, address: string | undefined) => boolean) => {
    let first = switches.take('partial-ack', { path: partner.name }) !== undefined && submission.bytes !== undefined
    return (hash, address) => {
      if (first) {
        first = false
        return true
      }
      return switches.take('poison', { hash, path: partner.name, ...(address === undefined ? {} : { address }) }) !== undefined
    }
  }
  const writeAck = (file: string, received: Received, garbled: boolean): void => {
    const body = {
      file,
      sha256: received.sha256,
      status: received.status,
      rows_ok: received.rowsOk,
      rows_failed: received.rowsFailed,
      errors: received.errors,
      received_at: new Date(stage.clock.now()).toISOString(),
    }
    const text = `${JSON.stringify(body, undefined, 2)}\n`
    const path = join(acks, file + ACK_SUFFIX)
    writeFileSync(`${path}.part`, garbled ? text.slice(0, text.length / 2) : text)
    renameSync(`${path}.part`, path)
  }

  const look = (): void => {
    // a watched folder may be gone for a while, or for good
    if (stopped || !existsSync(incoming)) return
    const fresh = readdirSync(incoming)
      .filter((name) => name.endsWith(MANIFEST_SUFFIX) && !name.startsWith('.'))
      .map((name) => ({ file: name.slice(0, -MANIFEST_SUFFIX.length), stamp: stampOf(join(incoming, name)) }))
      .filter(({ file, stamp }) => stamp !== undefined && seen.get(file) !== stamp)
      .sort((a, b) => (readFileName(a.file)?.seq ?? 0) - (readFileName(b.file)?.seq ?? 0))
    for (const { file, stamp } of fresh) takeUp(file, stamp ?? '')
  }

  return {
    root,
    partner,
    look,
    watch(everyMs) {
      watching ??= setInterval(look, everyMs)
      watching.unref()
    },
    async idle() {
      while (queue.length > 0 && !stopped) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    *facts() {
      for (const [file, stamp] of seen) yield ['answered', `${partner.name}/${file}`, stamp]
    },
    restore([kind, id, value]) {
      if (kind !== 'answered' || !id.startsWith(`${partner.name}/`)) return false
      seen.set(id.slice(partner.name.length + 1), String(value))
      return true
    },
    clear() {
      queue.length = 0
      cancel?.()
      cancel = undefined
      for (const file of seen.keys()) store().remove('answered', `${partner.name}/${file}`)
      seen.clear()
      for (const folder of [incoming, acks]) rmSync(folder, { recursive: true, force: true })
      open()
    },
    stop() {
      stopped = true
      cancel?.()
      clearInterval(watching)
    },
  }
}

function readIfThere(path: string): Buffer | undefined {
  return existsSync(path) ? readFileSync(path) : undefined
}

function stampOf(path: string): string | undefined {
  try {
    const { ino, mtimeMs, size } = statSync(path)
    return `${ino}-${mtimeMs}-${size}`
  } catch {
    return undefined
  }
}
