import { describe, expect, it } from 'vitest'
import type { Answer, HttpAnswer, NoAnswer, PlannedRequest, Transport } from '../contract.ts'
import { watchAnswers } from './watch-answers.ts'

const request: PlannedRequest = { via: 'http', intent: 'assert', covers: [], name: 'example.post', method: 'POST', path: '/' }
const options = { timeoutMs: 1, signal: new AbortController().signal }
const told = (answer: Answer | NoAnswer): Transport & { closed: boolean } => ({
  closed: false,
  send: async () => answer,
  async close() {
    this.closed = true
  },
})

describe('a watched transport', () => {
  it('gives what was made of an answer', async () => {
    const inner = told({ via: 'http', status: 429, headers: {}, body: Buffer.alloc(0) })
    const seen: string[] = []
    const see = (answer: HttpAnswer, { name }: PlannedRequest): HttpAnswer => {
      seen.push(name)
      return { ...answer, headers: { 'retry-after': '60' } }
    }
    expect(await watchAnswers(inner, see).send(request, options)).toMatchObject({ status: 429, headers: { 'retry-after': '60' } })
    expect(seen).toEqual(['example.post'])
  })

  it('leaves a missing answer as it is', async () => {
    const none: NoAnswer = { via: 'none', sent: true, reason: 'unavailable.timeout' }
    const see = () => {
      throw new Error('nothing to see')
    }
    expect(await watchAnswers(told(none), see).send(request, options)).toBe(none)
  })

  it('closes what it watches', async () => {
    const inner = told({ via: 'none', sent: false, reason: 'unavailable.dns' })
    await watchAnswers(inner, (answer) => answer).close()
    expect(inner.closed).toBe(true)
  })
})
