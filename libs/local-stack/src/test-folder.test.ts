import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { tryLock } from './file-lock.ts'
import { thisProcess } from './host-process.ts'
import { stackPaths, writeRunningFile } from './stack-file.ts'
import { temporaryDataDir } from './test-folder.ts'

let parent: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'heed-reaper-'))
})
afterEach(() => rmSync(parent, { recursive: true }))

const leftover = (name: string, prepare: (folder: string) => void = () => undefined, hoursOld = 1) => {
  const folder = join(parent, `heed-test-stack-${name}`)
  mkdirSync(folder)
  prepare(folder)
  const then = Date.now() / 1000 - hoursOld * 3600
  utimesSync(folder, then, then)
  return basename(folder)
}

it('removes what killed test runs left, and nothing that may be in use', () => {
  leftover('dead')
  const locked = leftover('locked', (folder) => void tryLock(stackPaths(folder).lockFile))
  const served = leftover('served', (folder) => writeRunningFile(folder, { kafka: thisProcess() }))
  const young = leftover('young', undefined, 0)
  mkdirSync(join(parent, 'of-somebody-else'))

  const mine = basename(temporaryDataDir(parent))

  expect(readdirSync(parent).sort()).toEqual(['of-somebody-else', locked, served, young, mine].sort())
})
