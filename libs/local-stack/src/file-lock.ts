import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCodeOf } from './errors.ts'
import { isAlive, type ProcessRef, thisProcess } from './host-process.ts'

/** A lock that this process holds. Releasing twice is harmless. */
export interface HeldLock {
  release(): void
}

// One critical section of recovery is a few file calls; one that is older than this belongs to a process that died inside it.
const recoveryStaleMs = 10_000
let attempts = 0

/**
 * Takes the lock file at once, or tells who holds it. The file names its owner (id and start mark), so the lock of a dead process
 * is recovered at once and a process id that was given away again does not keep it. Not reentrant: one process can hold a path once.
 */
export function tryLock(path: string): HeldLock | { heldBy: ProcessRef } {
  mkdirSync(dirname(path), { recursive: true })
  for (let turn = 0; turn < 50; turn++) {
    if (createWhole(path)) return heldLock(path)
    const owner = readOwner(path)
    if (owner === 'gone') continue
    if (owner !== undefined && isAlive(owner)) return { heldBy: owner }
    recover(path)
  }
  return { heldBy: readKnownOwner(path) }
}

/** Waits for the lock; `onWait` is called once, when another live process holds it. Throws after `timeoutMs`. */
export async function lock(path: string, options: { timeoutMs: number; onWait?: (heldBy: ProcessRef) => void }): Promise<HeldLock> {
  const until = performance.now() + options.timeoutMs
  let told = false
  for (;;) {
    const result = tryLock(path)
    if (!('heldBy' in result)) return result
    if (!told) options.onWait?.(result.heldBy)
    told = true
    if (performance.now() > until) throw new Error(`process ${result.heldBy.pid} still holds ${path} after ${options.timeoutMs} ms`)
    await sleep(100)
  }
}

// The file appears with its whole content or not at all: a reader never sees a lock without an owner.
function createWhole(path: string): boolean {
  attempts += 1
  const draft = `${path}.${process.pid}.${attempts}`
  writeFileSync(draft, JSON.stringify(thisProcess()), { mode: 0o600 })
  try {
    linkSync(draft, path)
    return true
  } catch (problem) {
    if (systemCodeOf(problem) === 'EEXIST') return false
    throw problem
  } finally {
    rmSync(draft, { force: true })
  }
}

function heldLock(path: string): HeldLock {
  let held = true
  return {
    release() {
      if (!held) return
      held = false
      rmSync(path, { force: true })
    },
  }
}

function readOwner(path: string): ProcessRef | 'gone' | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (problem) {
    if (systemCodeOf(problem) === 'ENOENT') return 'gone'
    throw problem
  }
  return parseOwner(text)
}

/** The owner that a lock file names, or `undefined` when the text is damaged. */
export function parseOwner(text: string): ProcessRef | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('startMark' in value)) return undefined
    return typeof value.pid === 'number' && typeof value.startMark === 'string' ? { pid: value.pid, startMark: value.startMark } : undefined
  } catch {
    return undefined
  }
}

function readKnownOwner(path: string): ProcessRef {
  const owner = readOwner(path)
  return owner === undefined || owner === 'gone' ? { pid: 0, startMark: '' } : owner
}

// Only one process at a time may remove a stale lock: without this, a slow second one could remove the lock that the first has just taken.
function recover(path: string): void {
  const guard = `${path}.recovery`
  try {
    mkdirSync(guard)
  } catch (problem) {
    if (systemCodeOf(problem) !== 'EEXIST') throw problem
    if (ageMs(guard) > recoveryStaleMs) removeGuard(guard)
    return
  }
  try {
    const owner = readOwner(path)
    if (owner !== 'gone' && (owner === undefined || !isAlive(owner))) rmSync(path, { force: true })
  } finally {
    removeGuard(guard)
  }
}

function ageMs(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs
  } catch {
    return 0
  }
}

function removeGuard(guard: string): void {
  try {
    rmdirSync(guard)
  } catch (problem) {
    if (systemCodeOf(problem) !== 'ENOENT') throw problem
  }
}
