import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { waitReasons } from './index.ts'
import { stopTheMail } from './readme-example.ts'
import { ada, monday, policy } from './test-policy.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

describe('the README', () => {
  it('shows code that is this code', () => {
    const code = readFileSync(new URL('./readme-example.ts', import.meta.url), 'utf8').replace('./index.ts', '@heed/domain')
    expect(readme).toContain(`\`\`\`ts\n${code}\`\`\``)
  })

  it('shows code that works', () => {
    expect(stopTheMail(policy, ada, monday).map(({ recipientId, wanted }) => [recipientId, wanted])).toEqual([
      ['mailer', { mail: 'denied', receipts: 'granted' }],
      ['paper', { mail: 'denied' }],
    ])
  })

  it('names every reason why an open delivery waits', () => {
    for (const reason of waitReasons) expect(readme).toContain(`\`${reason}\``)
  })
})
