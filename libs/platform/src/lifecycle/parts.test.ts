import { describe, expect, it } from 'vitest'
import { silentLogger } from '../log/index.ts'
import { type Part, PartDied, runUntil, StartError, startAll, together } from './index.ts'

function parts(...names: string[]) {
  const events: string[] = []
  const made = names.map(
    (name): Part => ({
      name,
      start: async () => {
        events.push(`start ${name}`)
        return {
          stop: async () => {
            events.push(`stop ${name}`)
          },
        }
      },
    }),
  )
  return { events, made }
}

const broken = (name: string): Part => ({ name, start: () => Promise.reject(new Error('no')) })

function dying(name: string): { part: Part; die(): void } {
  let die: () => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    die = () => reject(new Error('gone'))
  })
  failed.catch(() => undefined)
  return { part: { name, start: async () => ({ stop: async () => undefined, failed }) }, die }
}

describe('startAll', () => {
  it('starts in order and stops in reverse', async () => {
    const { events, made } = parts('a', 'b', 'c')
    const running = await startAll(made, silentLogger)
    await running.stop()
    expect(events).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
  })

  it('stops those that started when one does not, and starts none after it', async () => {
    const { events, made } = parts('a', 'b', 'c')
    const [a, b, c] = made
    await expect(
      startAll(
        [a, b, broken('x'), c].filter((part) => part !== undefined),
        silentLogger,
      ),
    ).rejects.toThrow(StartError)
    expect(events).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  it('stops the others when one cannot be stopped, and tells', async () => {
    const { events, made } = parts('a', 'b')
    const stubborn: Part = { name: 'x', start: async () => ({ stop: () => Promise.reject(new Error('no')) }) }
    const running = await startAll([...made, stubborn], silentLogger)
    await expect(running.stop()).rejects.toThrow('no')
    expect(events).toContain('stop a')
    expect(events).toContain('stop b')
  })

  it('stops only once', async () => {
    const { events, made } = parts('a')
    const running = await startAll(made, silentLogger)
    await Promise.all([running.stop(), running.stop()])
    expect(events).toEqual(['start a', 'stop a'])
  })

  it('tells which part died', async () => {
    const { part, die } = dying('consumer')
    const running = await startAll([part], silentLogger)
    die()
    await expect(running.failed).rejects.toThrow(PartDied)
    await expect(running.failed).rejects.toThrow('consumer died')
  })
})

describe('together', () => {
  it('starts and stops its parts at the same time', async () => {
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const waits: Part = { name: 'waits', start: async () => ({ stop: () => released }) }
    const releases: Part = { name: 'releases', start: async () => ({ stop: async () => release() }) }
    const running = await together('both', [waits, releases], silentLogger).start()
    await running.stop()
  })

  it('stops those that started when one does not', async () => {
    const { events, made } = parts('a')
    await expect(together('both', [...made, broken('x')], silentLogger).start()).rejects.toThrow('x did not start')
    expect(events).toEqual(['start a', 'stop a'])
  })
})

describe('runUntil', () => {
  it('runs until the signal, then stops', async () => {
    const { events, made } = parts('a')
    const asked = new AbortController()
    const done = runUntil(asked.signal, made, silentLogger)
    asked.abort()
    await done
    expect(events).toEqual(['start a', 'stop a'])
  })

  it('stops the others and rejects when a part dies', async () => {
    const { events, made } = parts('a')
    const { part, die } = dying('x')
    const done = runUntil(new AbortController().signal, [...made, part], silentLogger)
    die()
    await expect(done).rejects.toThrow('x died')
    expect(events).toEqual(['start a', 'stop a'])
  })
})
