import { describe, expect, it } from 'vitest'
import { type Choice, type ChoiceFacts, choiceLine, chooseSource, parseBrokers, parsePreference } from './choice.ts'

const nobodyAsks = () => Promise.reject(new Error('nobody should ask for Docker here'))
const answers = (available: boolean) => () =>
  Promise.resolve({ available, why: available ? 'a Docker engine answers' : 'no Docker engine answers' })
const facts = (changes: Partial<ChoiceFacts>): ChoiceFacts => ({
  given: false,
  prefer: undefined,
  dataSource: undefined,
  docker: nobodyAsks,
  ...changes,
})

describe('chooseSource', () => {
  it('takes what the environment gives, before anything else', async () => {
    const choice = await chooseSource('kafka', facts({ given: true, dataSource: 'embedded' }))
    expect(choice).toEqual({ source: 'given', why: 'KAFKA_BROKERS is set' })
  })

  it('takes Docker when an engine answers', async () => {
    expect(await chooseSource('mongodb', facts({ docker: answers(true) }))).toEqual({ source: 'docker', why: 'a Docker engine answers' })
  })

  it('is embedded otherwise, and says why', async () => {
    expect(await chooseSource('mongodb', facts({ docker: answers(false) }))).toEqual({
      source: 'embedded',
      why: 'no Docker engine answers',
    })
  })

  it('stays where the data are, also when an engine has come up since', async () => {
    expect(await chooseSource('kafka', facts({ dataSource: 'embedded' }))).toMatchObject({ source: 'embedded' })
    expect(await chooseSource('kafka', facts({ dataSource: 'docker', docker: answers(true) }))).toMatchObject({ source: 'docker' })
  })

  it('refuses to begin anew beside data in a volume that cannot be reached', async () => {
    await expect(chooseSource('kafka', facts({ dataSource: 'docker', docker: answers(false) }))).rejects.toMatchObject({
      problem: 'data-elsewhere',
    })
  })

  it('follows a preference over the environment and the engine', async () => {
    expect(await chooseSource('kafka', facts({ given: true, prefer: 'embedded' }))).toEqual({ source: 'embedded', why: 'asked for' })
    expect(await chooseSource('kafka', facts({ given: true, prefer: 'docker', docker: answers(true) }))).toMatchObject({ source: 'docker' })
  })

  it.each<[string, Partial<ChoiceFacts>, string]>([
    ['given, but not set', { prefer: 'given' }, 'KAFKA_BROKERS is not set'],
    ['Docker, but no engine', { prefer: 'docker', docker: answers(false) }, 'no Docker engine answers'],
    ['Docker, but the data are embedded', { prefer: 'docker', dataSource: 'embedded' }, 'use another data folder'],
    ['embedded, but the data are in a volume', { prefer: 'embedded', dataSource: 'docker' }, 'use another data folder'],
  ])('refuses a preference that cannot be followed: %s', async (_, changes, words) => {
    await expect(chooseSource('kafka', facts(changes))).rejects.toThrow(words)
  })
})

describe('parseBrokers', () => {
  it('reads addresses separated by commas', () => {
    expect(parseBrokers('a:9092, b:9093,')).toEqual(['a:9092', 'b:9093'])
  })

  it.each(['', ' , ', 'localhost', 'a:9092,b'])('refuses "%s"', (text) => {
    expect(() => parseBrokers(text)).toThrow('KAFKA_BROKERS must be host:port')
  })
})

describe('parsePreference', () => {
  it('knows the sources, and nothing as no preference', () => {
    expect(['given', 'docker', 'embedded', '', undefined].map(parsePreference)).toEqual([
      'given',
      'docker',
      'embedded',
      undefined,
      undefined,
    ])
  })

  it('refuses any other word', () => {
    expect(() => parsePreference('podman')).toThrow('HEED_STACK is "podman", but must be given, docker or embedded')
  })
})

describe('choiceLine', () => {
  const embedded: Choice = { source: 'embedded', why: 'no Docker engine answers' }
  const kafka = { part: 'kafka', version: '4.1.1', at: '127.0.0.1:9092', choice: embedded } as const

  it('is one line, and says a common reason once', () => {
    expect(choiceLine([kafka, { part: 'mongodb', version: '6.0.5', at: '127.0.0.1:27017', choice: embedded }])).toBe(
      'Kafka 4.1.1 at 127.0.0.1:9092 and MongoDB 6.0.5 at 127.0.0.1:27017: embedded (no Docker engine answers)',
    )
  })

  it('tells different reasons apart, and never shows a given address: it may hold a password', () => {
    const given: Choice = { source: 'given', why: 'MONGODB_URI is set' }
    expect(choiceLine([kafka, { part: 'mongodb', version: undefined, at: undefined, choice: given }])).toBe(
      'Kafka 4.1.1 at 127.0.0.1:9092: embedded (no Docker engine answers); MongoDB: given (MONGODB_URI is set)',
    )
  })
})
