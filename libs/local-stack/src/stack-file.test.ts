import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  parseStackFile,
  readRunningFile,
  readStackFile,
  refuseOtherSeries,
  type StackFile,
  stackPaths,
  writeRunningFile,
  writeStackFile,
} from './stack-file.ts'

const whole: StackFile = {
  format: 1,
  kafka: {
    source: 'embedded',
    version: '4.1.1',
    clusterId: 'AAAAAAAAAAAAAAAAAAAAAQ',
    brokerPort: 9092,
    controllerPort: 9093,
    formatted: true,
  },
  mongodb: { source: 'docker', version: '7.0', port: 27017 },
}

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'heed-stack-file-'))
})
afterEach(() => rmSync(dataDir, { recursive: true }))

describe('stack.json', () => {
  it('is read as it was written, by its owner only', () => {
    writeStackFile(dataDir, whole)
    expect(readStackFile(dataDir)).toEqual(whole)
    expect(statSync(stackPaths(dataDir).stackFile).mode & 0o777).toBe(0o600)
  })

  it('is an empty stack where there is none', () => {
    expect(readStackFile(dataDir)).toEqual({ format: 1 })
  })

  it('refuses another format, naming both', () => {
    expect(() => parseStackFile('{"format":2}', 'stack.json')).toThrow(/has format 2, this Heed reads format 1/)
  })

  it.each<[string, string]>([
    ['no JSON', '{"format":1'],
    ['no object', '[]'],
    ['a part without a version', '{"format":1,"mongodb":{"source":"embedded","port":1}}'],
    ['a port out of range', '{"format":1,"mongodb":{"source":"embedded","version":"6.0.5","port":70000}}'],
    ['an unknown source', '{"format":1,"mongodb":{"source":"cloud","version":"6.0.5","port":27017}}'],
    ['Kafka without a cluster id', '{"format":1,"kafka":{"source":"embedded","version":"4.1.1","brokerPort":1,"controllerPort":2}}'],
  ])('refuses a damaged file: %s', (_, text) => {
    expect(() => parseStackFile(text, 'stack.json')).toThrow(
      expect.objectContaining({ problem: 'other-version', message: expect.stringContaining('damaged') }),
    )
  })
})

describe('running.json', () => {
  it('is read as it was written', () => {
    const running = { owner: { pid: 1, startMark: 'a' }, kafka: { pid: 2, startMark: 'b' }, containers: { mongodb: 'abc' } }
    writeRunningFile(dataDir, running)
    expect(readRunningFile(dataDir)).toEqual(running)
  })

  it('says nothing when it is damaged: the servers hold locks of their own', () => {
    writeFileSync(stackPaths(dataDir).runningFile, '{"kafka":{"pid"')
    expect(readRunningFile(dataDir)).toEqual({})
  })
})

describe('refuseOtherSeries', () => {
  it('lets every release of one series open the data', () => {
    expect(() => refuseOtherSeries('MongoDB', '6.0.5', '6.0.24', '/data')).not.toThrow()
  })

  it.each([
    ['6.0.5', '7.0.1'],
    ['7.0.1', '6.0.5'],
    ['4.1.1', '4.2.0'],
  ])('refuses data of %s for a server %s, naming both', (data, server) => {
    expect(() => refuseOtherSeries('Kafka', data, server, '/data')).toThrow(
      expect.objectContaining({ problem: 'other-version', message: expect.stringMatching(new RegExp(`${data}.*${server}`)) }),
    )
  })
})
