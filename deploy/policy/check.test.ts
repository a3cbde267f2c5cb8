import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtConnectors, runCheck } from './check.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))
let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-policy-check-'))
  file = join(folder, 'qualified3d.yaml')
  for (const name of ['qualified3d.yaml', 'qualified3d-privacy-policy.txt', 'COVERAGE.md']) await cp(join(here, name), join(folder, name))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function change(name: string, from: string, to: string): Promise<void> {
  const text = await readFile(join(folder, name), 'utf8')
  expect(text).toContain(from)
  await writeFile(join(folder, name), text.replace(from, to))
}

const check = (write = false) => runCheck(file, root, { write })

describe('npm run policy:check', () => {
  it('is content with the policy that is served, and says which connectors are planned', async () => {
    const { exitCode, output, problems } = await check()
    expect(problems).toEqual([])
    expect(exitCode).toBe(0)
    expect(output.at(-1)).toMatch(/^qualified3d 1\.0: 18 purposes, \d+ recipients, \d+ sentences claimed, no problem$/)
    for (const kind of builtConnectors(root)) expect(output.join('\n')).not.toContain(`connector ${kind} `)
  })

  it('fails with line and column of a typo', async () => {
    await change('qualified3d.yaml', 'refusable: true', 'refuseable: true')
    const { exitCode, problems } = await check()
    expect(exitCode).toBe(1)
    expect(problems).toContainEqual(
      expect.stringMatching(/^qualified3d\.yaml:\d+:5 purposes\[0\]\.refuseable: unknown key "refuseable": did you mean/),
    )
  })

  it('fails with one line for each problem', async () => {
    await change(
      'qualified3d-privacy-policy.txt',
      'We may share your personal information in the instances',
      'We may sell your personal information in the instances',
    )
    await change('qualified3d.yaml', 'connector: linkedin-ads', 'connector: linked-in')
    const { exitCode, problems } = await check()
    expect(exitCode).toBe(1)
    expect(problems.map((line) => line.slice(0, 40))).toEqual([
      expect.stringMatching(/^claim \d+: the prose does not say/),
      expect.stringContaining('section 4, line 64: no purpose'),
      expect.stringContaining('section 4, line 64: no purpose'),
      expect.stringContaining('recipient linkedin: no connector'),
      expect.stringContaining('connector linkedin-ads: no recipient of'),
      expect.stringContaining('COVERAGE.md is not current'),
    ])
  })

  it('fails where the table is not current, until it is written anew', async () => {
    await change('qualified3d.yaml', 'title: LinkedIn', 'title: LinkedIn, Inc.')
    expect((await check()).problems).toEqual(['COVERAGE.md is not current: run npm run policy:check -- --write'])
    expect((await check(true)).exitCode).toBe(0)
    expect((await check()).exitCode).toBe(0)
    await rm(join(folder, 'COVERAGE.md'))
    expect((await check()).exitCode).toBe(1)
  })

  it('fails where there is no file, and where the file names no prose', async () => {
    await change('qualified3d.yaml', 'proseFile: qualified3d-privacy-policy.txt', '')
    expect((await check()).problems).toEqual([expect.stringContaining('"proseFile" is missing')])
    await rm(file)
    expect((await check()).problems).toEqual([expect.stringContaining('ENOENT')])
  })
})
