import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCheck } from './check.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))
const yaml = 'qualified3d.yaml'
const prose = 'qualified3d-privacy-policy.txt'
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
  it('is content with the policy that is served', async () => {
    const { exitCode, output, problems } = await check()
    expect(problems).toEqual([])
    expect(exitCode).toBe(0)
    expect(output).toHaveLength(1)
    expect(output[0]).toMatch(/^qualified3d 1\.0: 18 purposes, \d+ recipients, \d+ sentences claimed, no problem$/)
  })

  // each way in which the file can go wrong: what is changed, where the check points (at the text between ⟦⟧ in what it is changed to), and what it says
  it.each<[what: string, name: string, from: string, to: string, message: RegExp]>([
    [
      'a typo in a key',
      yaml,
      'refusable: true',
      '⟦⟧refuseable: true',
      /purposes\[0\]\.refuseable: unknown key "refuseable": did you mean "refusable"/,
    ],
    [
      'a purpose that is not defined',
      yaml,
      'purposes: [analytics, cross-device-linking]',
      'purposes: [⟦⟧analytic, cross-device-linking]',
      /no purpose "analytic" is defined: did you mean "analytics"/,
    ],
    [
      'a connector that does not exist',
      yaml,
      'connector: linkedin-ads',
      '⟦⟧connector: linked-in',
      /recipient linkedin: no connector is called "linked-in"/,
    ],
    [
      'a hash profile that nobody knows',
      yaml,
      '{ kind: email, form: nows-sha256-hex }',
      '{ kind: email, ⟦⟧form: nows-sha265-hex }',
      /must be a form of email .*did you mean "nows-sha256-hex"/,
    ],
    [
      'a kind of identifier that nobody keeps',
      yaml,
      '{ kind: email, form: nows-sha256-hex }',
      '{ ⟦⟧kind: fax, form: raw }',
      /kind: must be one of email, phone/,
    ],
    [
      'an identifier that the kind of connector cannot use',
      yaml,
      '{ kind: gaid, form: raw }\n    deadline:\n      hours: 48\n      why: 11 CCR § 7026(f) gives 15 business days to stop sharing; a segment',
      '{ ⟦⟧kind: phone, form: raw }\n    deadline:\n      hours: 48\n      why: 11 CCR § 7026(f) gives 15 business days to stop sharing; a segment',
      /recipient linkedin: is granted phone, which a linkedin-ads connector does not use/,
    ],
    [
      'a form that the connector does not take',
      yaml,
      '{ kind: email, form: nows-sha256-hex }',
      '{ kind: email, ⟦⟧form: legacy-md5-hex }',
      /recipient linkedin: is granted email as legacy-md5-hex; a linkedin-ads connector takes/,
    ],
    [
      'identifiers that the configured lists do not hold',
      yaml,
      "          - { id: '7712345002', holds: mobile }\n          - { id: '7712345003', holds: user-id }",
      "          - { id: '7712345003', holds: user-id }",
      /recipient google-ads: is granted idfa, and its connector does nothing with it/,
    ],
    [
      'a setting that the connector refuses',
      yaml,
      "apiVersion: '202607'",
      "⟦⟧apiVersion: 'newest'",
      /recipient linkedin: its connector refuses the setting apiVersion: must be a version such as 202607/,
    ],
    [
      'a hash profile in the settings that is not granted',
      yaml,
      'hashProfile: uid2-sha256-b64',
      '⟦⟧hashProfile: drop-sha256-b64',
      /recipient cross-device-partners: its settings want e-mail as drop-sha256-b64, and that form is not granted/,
    ],
    [
      'a secret that stands in the file',
      yaml,
      'credential: env:META_ADS_TOKEN',
      '⟦⟧credential: EAAB0123456789',
      /recipient meta: the setting credential is called a secret/,
    ],
    [
      'a quotation that the prose does not have',
      yaml,
      'Bing Ads. To learn more about Bing Ads, click here.',
      'Bing Ads. To learn less about Bing Ads, click here.',
      /recipient microsoft-advertising: the prose does not say in section 3/,
    ],
    [
      'a quotation from another section',
      yaml,
      "clause: '3'\n    quote: >-\n      Bing Ads.",
      "clause: '4'\n    quote: >-\n      Bing Ads.",
      /recipient microsoft-advertising: the quotation stands in section 3, not in 4/,
    ],
    [
      'a clock for erasure that a connector cannot keep',
      yaml,
      '    fulfilment:\n      by: connector\n      connector: linkedin-ads',
      '    ⟦⟧erasure: { hours: 1 }\n    fulfilment:\n      by: connector\n      connector: linkedin-ads',
      /recipient linkedin: has a clock for erasure, and a linkedin-ads connector cannot erase/,
    ],
    [
      'a duty of nobody in particular',
      yaml,
      'ownerRole: advertising-operations',
      '⟦⟧ownerRole: Whoever Has Time',
      /ownerRole: must be lower-case words/,
    ],
    [
      'a duty without steps',
      yaml,
      '        granted:\n          -',
      '        ⟦⟧grated:\n          -',
      /unknown key "grated": did you mean "granted"/,
    ],
    [
      'a sentence of the prose that nobody claims',
      prose,
      'Cookies. Most browsers',
      '⟦⟧We sell what we know to Brokers Ltd. Cookies. Most browsers',
      /section 5: no purpose, recipient or claim quotes “We sell what we know to Brokers Ltd\.”/,
    ],
    [
      'a sentence that was changed under its claim',
      prose,
      'We may share your personal information in the instances',
      '⟦⟧We may sell your personal information in the instances',
      /section 4: no purpose, recipient or claim quotes “We may sell/,
    ],
  ])('fails with line and column of %s', async (_, name, from, to, message) => {
    await change(name, from, to.replace('⟦⟧', ''))
    const { exitCode, problems } = await check()
    expect(exitCode).toBe(1)
    const lines = problems.filter((problem) => message.test(problem))
    expect(lines, problems.join('\n')).not.toEqual([])
    // without a mark it is enough that the line is one of the entry's own
    if (!to.includes('⟦⟧')) return expect(lines[0]).toMatch(/^qualified3d\.yaml:[1-9]\d*:[1-9]\d* recipient /)
    const text = await readFile(join(folder, name), 'utf8')
    const before = text.slice(0, text.indexOf(to.replace('⟦⟧', '')) + to.indexOf('⟦⟧')).split('\n')
    expect(lines[0]).toMatch(new RegExp(`^${name.replace('.', '\\.')}:${before.length}:${(before.at(-1)?.length ?? 0) + 1} `))
  })

  it('tells every problem of a file, one a line', async () => {
    await change(prose, 'We may share your personal information in the instances', 'We may sell your personal information in the instances')
    await change(yaml, 'connector: linkedin-ads', 'connector: linked-in')
    const { exitCode, problems } = await check()
    expect(exitCode).toBe(1)
    expect(problems).toEqual([
      expect.stringMatching(/^qualified3d\.yaml:\d+:5 claim \d+: the prose does not say/),
      expect.stringMatching(/^qualified3d-privacy-policy\.txt:64:1 section 4: no purpose/),
      expect.stringMatching(/^qualified3d-privacy-policy\.txt:64:\d+ section 4: no purpose/),
      expect.stringMatching(/^qualified3d\.yaml:\d+:7 recipient linkedin: no connector/),
      expect.stringMatching(/^qualified3d\.yaml:\d+:1 connector linkedin-ads: no recipient of/),
      expect.stringMatching(/^COVERAGE\.md:\d+:1 is not current/),
    ])
  })

  it('fails where the table is not current, until it is written anew', async () => {
    await change('qualified3d.yaml', 'title: LinkedIn', 'title: LinkedIn, Inc.')
    expect((await check()).problems).toEqual([
      expect.stringMatching(/^COVERAGE\.md:\d+:1 is not current: run npm run policy:check -- --write$/),
    ])
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
