import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { archivePath, type ClassDataOf, classDataFlags, discardClassData } from './class-data.ts'

let of: ClassDataOf
beforeEach(() => {
  of = { java: '/usr/bin/java', javaIdentity: 'openjdk 17', jarsDir: mkdtempSync(join(tmpdir(), 'heed-class-data-')), classPath: '' }
})
afterEach(() => rmSync(of.jarsDir, { recursive: true }))

const bytes = 'the classes'
function recorded(): string {
  const archive = archivePath(of)
  writeFileSync(archive, bytes)
  const { size, ctimeMs } = statSync(archive)
  writeFileSync(`${archive}.json`, JSON.stringify({ bytes: size, sha256: createHash('sha256').update(bytes).digest('hex'), ctimeMs }))
  return archive
}

describe('classDataFlags', () => {
  it('uses an archive that is whole', async () => {
    expect(await classDataFlags(of)).toEqual([])
    const archive = recorded()
    expect(await classDataFlags(of)).toContain(`-XX:SharedArchiveFile=${archive}`)
  })

  it.each<[string, (archive: string) => void]>([
    ['cut short', (archive) => writeFileSync(archive, bytes.slice(1))],
    ['changed', (archive) => writeFileSync(archive, bytes.toUpperCase())],
    ['without its record', (archive) => rmSync(`${archive}.json`)],
    ['of another Java', () => Object.assign(of, { javaIdentity: 'openjdk 21' })],
  ])('never gives the JVM one that was %s', async (_, damage) => {
    damage(recorded())
    expect(await classDataFlags(of)).toEqual([])
  })

  it('uses an archive that was moved with its folder, since its bytes are the same', async () => {
    const archive = recorded()
    writeFileSync(archive, bytes)
    expect(await classDataFlags(of)).toContain(`-XX:SharedArchiveFile=${archive}`)
  })
})

describe('discardClassData', () => {
  it('removes archive and record, and no jar', () => {
    const archive = recorded()
    const jar = join(of.jarsDir, 'a.jar')
    writeFileSync(jar, '')
    discardClassData(of)
    expect([archive, `${archive}.json`, jar].map(existsSync)).toEqual([false, false, true])
  })
})
