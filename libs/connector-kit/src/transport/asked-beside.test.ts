import { ManualClock } from '@heed/platform/clock'
import { silentLogger } from '@heed/platform/log'
import { describe, expect, it } from 'vitest'
import type { Answer, HttpRequest, NoAnswer, PlannedRequest, Transport } from '../contract.ts'
import { askedBeside } from './asked-beside.ts'

const request = (name: string): HttpRequest => ({ via: 'http', intent: 'assert', name, method: 'GET', path: `/${name}`, covers: [] })
const answer = (status: number): Answer => ({ via: 'http', status, headers: {}, body: Buffer.from('') })
const limit = { timeoutMs: 1_000, signal: new AbortController().signal }

function fixture(answers: (request: PlannedRequest) => Answer | NoAnswer = () => answer(200)) {
  const sent: string[] = []
  let pages = 2
  const clock = new ManualClock(0)
  const inner: Transport = {
    send: async (one) => {
      sent.push(one.name)
      return answers(one)
    },
    close: async () => void sent.push('closed'),
  }
  const heard = () => {
    pages -= 1
    return pages > 0 ? request('more') : undefined
  }
  return { sent, clock, transport: askedBeside(inner, { question: request('question'), heard }, { clock, log: silentLogger }) }
}

describe('a question beside the work', () => {
  it('is asked after a request that went well, page by page, and again when its answer is a day old', async () => {
    const { sent, clock, transport } = fixture()
    await transport.send(request('work'), limit)
    await transport.send(request('work'), limit)
    await expect.poll(() => sent.filter((name) => name !== 'work')).toEqual(['question', 'more'])
    await clock.advance(86_400_000)
    await transport.send(request('work'), limit)
    await expect.poll(() => sent.filter((name) => name === 'question')).toHaveLength(2)
    await transport.close()
    expect(sent.at(-1)).toBe('closed')
  })

  it('is not asked while requests do not go well', async () => {
    const { sent, transport } = fixture(() => answer(503))
    await transport.send(request('work'), limit)
    await transport.close()
    expect(sent).toEqual(['work', 'closed'])
  })

  it('that nobody answers shows in no request, and is asked again after an hour', async () => {
    const { sent, clock, transport } = fixture((one) =>
      one.name === 'work' ? answer(200) : { via: 'none', sent: true, reason: 'unavailable.reset' },
    )
    expect(await transport.send(request('work'), limit)).toMatchObject({ status: 200 })
    await expect.poll(() => sent).toEqual(['work', 'question'])
    await clock.advance(3_600_000)
    await transport.send(request('work'), limit)
    await expect.poll(() => sent.filter((name) => name === 'question')).toHaveLength(2)
    await transport.close()
  })
})
