import { describe, expect, it } from 'vitest'
import { escapeValue, kafkaEnvironment, kafkaJavaFlags, kafkaProperties } from './kafka-settings.ts'

const settings = { brokerPort: 9092, controllerPort: 9093, dataDir: '/data/kafka' }

describe('kafkaProperties', () => {
  it('listens on the loopback address only', () => {
    const lines = kafkaProperties(settings).split('\n')
    expect(lines).toContain('listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093')
    expect(lines).toContain('advertised.listeners=PLAINTEXT://127.0.0.1:9092')
    expect(lines).toContain('controller.quorum.voters=1@127.0.0.1:9093')
    expect(lines).toContain('log.dirs=/data/kafka')
  })

  it('has one setting a line', () => {
    for (const line of kafkaProperties(settings).trimEnd().split('\n')) expect(line).toMatch(/^[a-z.]+=\S+$/)
  })

  it('heartbeats at least three times within a session', () => {
    const number = (key: string) => Number(new RegExp(`^${key}=(\\d+)$`, 'm').exec(kafkaProperties(settings))?.[1])
    expect(number('broker.session.timeout.ms') / number('broker.heartbeat.interval.ms')).toBeGreaterThanOrEqual(3)
  })
})

describe('escapeValue', () => {
  it.each([
    ['/plain/path', '/plain/path'],
    ['C:\\data', 'C:\\\\data'],
    [' leading', '\\ leading'],
    ['two\nlines', 'two\\nlines'],
    ['/home/zo\u00eb', '/home/zo\\u00eb'],
    ['/home/\u{1f511}', '/home/\\ud83d\\udd11'],
  ])('writes %j as %j', (value, escaped) => {
    expect(escapeValue(value)).toBe(escaped)
  })
})

describe('kafkaEnvironment', () => {
  it('names each setting as the image expects it', () => {
    const environment = kafkaEnvironment({ ...settings, advertisedHost: '127.0.0.1' }, 'AAAAAAAAAAAAAAAAAAAAAQ', 'test')
    expect(environment).toMatchObject({
      CLUSTER_ID: 'AAAAAAAAAAAAAAAAAAAAAQ',
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
    })
    expect(environment.KAFKA_LISTENERS).toBe('PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093')
    expect(environment.KAFKA_ADVERTISED_LISTENERS).toBe('PLAINTEXT://127.0.0.1:9092')
    expect(environment.KAFKA_HEAP_OPTS).toContain('-Xmx512m')
  })
})

describe('kafkaJavaFlags', () => {
  it('gives up peak speed for a fast start, except in a measurement', () => {
    expect(kafkaJavaFlags('run')).toContain('-XX:TieredStopAtLevel=1')
    expect(kafkaJavaFlags('bench')).not.toContain('-XX:TieredStopAtLevel=1')
  })
})
