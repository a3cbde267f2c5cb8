import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub } from './test-hub.ts'

const root = new URL('../../', import.meta.url).pathname
const readme = readFileSync(`${root}README.md`, 'utf8')
const run = promisify(execFile)

let test: TestHub
let dataDir: string
beforeAll(async () => {
  test = await startTestHub()
  dataDir = mkdtempSync(join(tmpdir(), 'heed-readme-'))
  const { preferences, propagation, audit } = test.hub.addresses
  const file = {
    pid: process.pid,
    grpc: { preferences, propagation, audit },
    http: {},
    kafkaBrokers: [],
    mongoUri: '',
    dbPrefix: '',
    topicPrefix: '',
    callers: test.hub.keys,
  }
  writeFileSync(join(dataDir, 'hub.json'), JSON.stringify(file))
})
afterAll(async () => {
  rmSync(dataDir, { recursive: true, force: true })
  await test.stop()
})

describe('the README', () => {
  it('has a TypeScript example that runs as it stands', async () => {
    const [, code] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
    expect(code).toContain('setPreferences')
    const file = join(root, 'tests/system', `readme-example-${process.pid}.ts`)
    writeFileSync(file, code ?? '')
    try {
      const { stdout } = await run(process.execPath, ['--import', 'tsx', file], {
        cwd: root,
        env: { ...process.env, HEED_DATA_DIR: dataDir },
      })
      expect(stdout.trim()).toMatch(/^s-[0-9a-z]{26}\/1$/)
    } finally {
      rmSync(file)
    }
  })

  it('names only commands and scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }
    const named = [...readme.matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name ?? '')
    expect(named.length).toBeGreaterThan(2)
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
  })

  it('links only to files that there are', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path]) => path ?? '')
    expect(links.length).toBeGreaterThan(5)
    for (const path of links) expect(() => readFileSync(join(root, path)), path).not.toThrow(/ENOENT/)
  })
})
