import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PolicyFileError, type PolicyFileProblem, parsePolicyText, readPolicyFile } from './policy-file.ts'

const text = `id: small
version: '1'
title: A small policy
effectiveFrom: '2026-01-01'
calendar: { utcOffsetMinutes: 0, holidays: [] }
evidenceMaxAgeDays: 30
purposes:
  - key: news
    title: News
    clause: '5'
    quote: You can stop the news.
    refusable: true
    default: granted
recipients:
  - id: mailer
    title: Mailer
    role: processor
    clause: '5'
    quote: A mailer sends the news.
    purposes: [news]
    grants:
      - { kind: email, form: raw }
    deadline: { hours: 24, why: it is soon done }
    fulfilment: { by: connector, connector: mailchimp, settings: { audiences: [] } }
`

function problemsOf(changed: string): readonly PolicyFileProblem[] {
  try {
    parsePolicyText(changed, 'small.yaml')
  } catch (error) {
    if (error instanceof PolicyFileError) return error.problems
    throw error
  }
  return []
}

describe('a policy file', () => {
  it('is read into a policy', () => {
    const policy = parsePolicyText(text, 'small.yaml')
    expect(policy.recipients[0]?.fulfilment).toEqual({ by: 'connector', connector: 'mailchimp', settings: { audiences: [] } })
    expect(policy.purposes[0]).toMatchObject({ key: 'news', refusable: true, topics: [] })
  })

  it('with a typo in a key is refused at the line and column of the key, and the right key is named', () => {
    expect(problemsOf(text.replace('refusable:', 'refusible:'))).toEqual([
      { line: 8, column: 5, path: 'purposes[0]', message: '"refusable" is missing: true or false' },
      { line: 12, column: 5, path: 'purposes[0].refusible', message: 'unknown key "refusible": did you mean "refusable"?' },
    ])
  })

  it('with a typo in a value is refused at the place of that value', () => {
    expect(problemsOf(text.replace('form: raw', 'form: plain-sha265-hex'))).toEqual([
      {
        line: 22,
        column: 24,
        path: 'recipients[0].grants[0].form',
        message: expect.stringMatching(/^must be a form of email .*did you mean "plain-sha256-hex"\?$/),
      },
    ])
    expect(problemsOf(text.replace('purposes: [news]', 'purposes: [nesw]'))).toEqual([
      { line: 20, column: 16, path: 'recipients[0].purposes[0]', message: 'no purpose "nesw" is defined: did you mean "news"?' },
    ])
  })

  it('that is no YAML is refused at the place where it breaks', () => {
    expect(problemsOf(text.replace('title: News', 'title: "News'))[0]).toMatchObject({ path: '' })
    expect(problemsOf(`${text}id: twice\n`)).toEqual([{ line: 25, column: 1, path: '', message: 'Map keys must be unique' }])
    expect(problemsOf(`${text}---\nid: other\n`)[0]).toMatchObject({ line: 25 })
    expect(problemsOf(text.replace('id: small', 'id: !secret small'))[0]).toMatchObject({ line: 1 })
  })

  it('that is empty, a list, or a bomb of aliases is refused', () => {
    expect(problemsOf('')).toEqual([{ line: 1, column: 1, path: '', message: expect.stringContaining('must be a group of keys') }])
    expect(problemsOf('- a\n')).toHaveLength(1)
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: &d [${'*c,'.repeat(9)}]\ne: [${'*d,'.repeat(9)}]\n`
    expect(problemsOf(bomb)).toEqual([{ line: 1, column: 1, path: '', message: expect.stringContaining('alias') }])
    expect(problemsOf('id: *nowhere\n')[0]).toMatchObject({ line: 1 })
  })

  it('tells every fault in its message, one a line', () => {
    const broken = text.replace("version: '1'", 'version: 1').replace('clause: ', 'clauze: ')
    expect(() => parsePolicyText(broken, 'small.yaml')).toThrow(
      /^small\.yaml:2:1 version: .*quotes.*\nsmall\.yaml:8:5 .*\nsmall\.yaml:10:5 .*clauze/,
    )
  })

  describe('on the disk', () => {
    let folder: string
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'heed-policy-'))
    })
    afterAll(async () => {
      await rm(folder, { recursive: true })
    })

    it('that is not UTF-8 is refused', async () => {
      const path = join(folder, 'latin.yaml')
      await writeFile(path, Buffer.from(`title: Caf\u00e9\n`, 'latin1'))
      await expect(readPolicyFile(path)).rejects.toThrow('latin.yaml:1:1 the file is not UTF-8')
    })

    it('that ships with Heed is a policy', async () => {
      const policy = await readPolicyFile(fileURLToPath(new URL('../../../deploy/policy/qualified3d.yaml', import.meta.url)))
      expect(policy).toMatchObject({ id: 'qualified3d', version: '1.0' })
    })

    it('that is missing is an error of the file system', async () => {
      await expect(readPolicyFile(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'ENOENT' })
    })
  })
})
