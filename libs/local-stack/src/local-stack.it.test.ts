import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isAlive, type ProcessRef, processRef } from './host-process.ts'
import { type LocalStack, type LocalStackOptions, startLocalStack } from './local-stack.ts'
import type { UnexpectedExit } from './server.ts'
import { readDocuments, readMessages, write, writeDocument, writeMessage } from './stack-data.fixture.ts'
import { readRunningFile, readStackFile, stackPaths, writeStackFile } from './stack-file.ts'
import { eventually, stackProcess } from './stack-process.fixture.ts'
import { stackDown, stackStatus, stackUp } from './standing.ts'

const lines: string[] = []
let dataDir: string
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'heed-local-stack-it-'))
})
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

const options = (changes: LocalStackOptions = {}): LocalStackOptions => ({
  dataDir,
  prefer: 'embedded',
  log: (line) => lines.push(line),
  ...changes,
})
const processOf = (pid: number | undefined): ProcessRef => {
  const ref = pid === undefined ? undefined : processRef(pid)
  if (ref === undefined) throw new Error('there is no such process')
  return ref
}

// One data folder's life, told in order: each test goes on where the one before has stopped.
describe('a data folder', () => {
  let stack: LocalStack | undefined
  const running = () => {
    if (stack === undefined) throw new Error('no stack runs')
    return stack
  }
  afterAll(() => stack?.stop())

  it('serves a first start, and says where everything comes from', async () => {
    stack = await startLocalStack(options())
    expect(stack.choice).toMatch(
      /^Kafka 4\.1\.1 at 127\.0\.0\.1:\d+ and MongoDB \d+\.\d+\.\d+ at 127\.0\.0\.1:\d+: embedded \(asked for\)$/,
    )
    expect(statSync(stackPaths(dataDir).stackFile).mode & 0o777).toBe(0o600)
    await write(stack, 'first')
  })

  it('belongs to one live process', async () => {
    await expect(startLocalStack(options())).rejects.toMatchObject({
      problem: 'data-in-use',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await expect(stackDown(dataDir)).rejects.toMatchObject({ problem: 'data-in-use' })
    expect(await stackStatus(dataDir)).toMatchObject({
      state: 'attached',
      owner: process.pid,
      kafka: { serving: true },
      mongodb: { serving: true },
    })
  })

  it('keeps every acknowledged write when the broker and the database are killed, and serves them again at the same address', async () => {
    const before = { kafka: running().kafka, mongodb: running().mongodb }
    await Promise.all([running().kill('kafka'), running().kill('mongodb')])
    expect(running().kafka.pid).toBeUndefined()
    await Promise.all([running().restart('kafka'), running().restart('mongodb')])
    expect(running().kafka.brokers).toEqual(before.kafka.brokers)
    expect(running().mongodb.uri).toBe(before.mongodb.uri)
    expect(await readMessages(running().kafka.brokers)).toEqual(['first'])
    expect(await readDocuments(running().mongodb.uri)).toEqual(['first'])
  })

  it('tells of a server that ends by itself, and not of one that was stopped', async () => {
    const exits: UnexpectedExit[] = []
    running().onExit((exit) => exits.push(exit))
    process.kill(processOf(running().mongodb.pid).pid, 'SIGKILL')
    await eventually(() => exits.length > 0, 5000)
    expect(exits).toEqual([
      expect.objectContaining({ part: 'mongodb', message: expect.stringMatching(/^MongoDB was ended by SIGKILL: see .*mongodb\.log$/) }),
    ])
  })

  it('stops its broker within 5 s, leaving no process and no trace of one', async () => {
    const broker = processOf(running().kafka.pid)
    const startedAt = performance.now()
    await running().stop()
    stack = undefined
    expect(performance.now() - startedAt).toBeLessThan(5000)
    expect(isAlive(broker)).toBe(false)
    expect(await stackStatus(dataDir)).toMatchObject({ state: 'stopped', kafka: { serving: false } })
  })

  it('moves off a port that someone took, with its data', async () => {
    const before = readStackFile(dataDir)
    const squatters = await Promise.all([before.kafka?.brokerPort, before.mongodb?.port].map(squat))
    try {
      stack = await startLocalStack(options())
      const after = readStackFile(dataDir)
      expect(after.kafka?.brokerPort).not.toBe(before.kafka?.brokerPort)
      expect(after.mongodb?.port).not.toBe(before.mongodb?.port)
      expect(after.kafka?.clusterId).toBe(before.kafka?.clusterId)
      expect(lines).toContain(`port ${before.mongodb?.port} of MongoDB's data is taken by another program: using ${after.mongodb?.port}`)
      expect(await readMessages(stack.kafka.brokers)).toEqual(['first'])
      expect(await readDocuments(stack.mongodb.uri)).toEqual(['first'])
      await writeDocument(stack.mongodb.uri, 'second')
      await stack.stop()
      stack = undefined
    } finally {
      for (const squatter of squatters) squatter.close()
    }
  })

  it('ends its servers when the process that holds them is killed, and the next one takes over', async () => {
    const holder = stackProcess(options())
    const { kafka, mongodb } = await holder.started
    const servers = [processOf(kafka?.pid), processOf(mongodb?.pid)]
    await writeMessage(kafka?.brokers ?? [], 'second')
    holder.child.kill('SIGKILL')
    await eventually(() => !servers.some(isAlive), 8000)

    stack = await startLocalStack(options())
    expect(stack.kafka.brokers).toEqual(kafka?.brokers)
    expect(await readMessages(stack.kafka.brokers)).toEqual(['first', 'second'])
    expect(await readDocuments(stack.mongodb.uri)).toEqual(['first', 'second'])
    await stack.stop()
    stack = undefined
  })

  it.each([
    ['Kafka', { kafka: '3.9.1' }, /data of Kafka 3\.9\.1, but this is Kafka 4\.1\.1/],
    ['MongoDB', { mongodb: '5.0.9' }, /data of MongoDB 5\.0/],
  ])('of another version of %s is refused', async (_, { kafka, mongodb }: { kafka?: string; mongodb?: string }, words) => {
    const file = readStackFile(dataDir)
    const text = readFileSync(stackPaths(dataDir).stackFile)
    if (kafka !== undefined && file.kafka !== undefined) file.kafka.version = kafka
    if (mongodb !== undefined && file.mongodb !== undefined) file.mongodb.version = mongodb
    writeStackFile(dataDir, file)
    await expect(startLocalStack(options())).rejects.toMatchObject({ problem: 'other-version', message: expect.stringMatching(words) })
    expect((await stackStatus(dataDir)).state).toBe('stopped')
    writeFileSync(stackPaths(dataDir).stackFile, text)
  })
})

describe('a server whose watchdog was killed along with its holder', () => {
  it('is ended by the next start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heed-local-stack-it-'))
    const only: LocalStackOptions = { dataDir: folder, prefer: 'embedded', parts: ['mongodb'] }
    const holder = stackProcess(only)
    const orphan = processOf((await holder.started).mongodb?.pid)
    // Watchdog and server are a session of their own, and the watchdog is its only shell.
    for (const pid of membersOf(orphan.pid)) if (pid !== orphan.pid) process.kill(pid, 'SIGKILL')
    holder.child.kill('SIGKILL')
    await holder.stop()
    expect(isAlive(orphan)).toBe(true)

    const stack = await startLocalStack({ ...only, log: (line) => lines.push(line) })
    expect(isAlive(orphan)).toBe(false)
    expect(lines).toContain('ending the servers of a former run, which was killed')
    await stack.stop()
    rmSync(folder, { recursive: true })
  })
})

describe('a start that is given up', () => {
  it('rejects with the reason, and leaves no server behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heed-local-stack-it-'))
    const giveUp = new AbortController()
    const start = startLocalStack({ dataDir: folder, prefer: 'embedded', parts: ['mongodb'], signal: giveUp.signal, log: () => undefined })
    start.catch(() => undefined)
    await eventually(() => readRunningFile(folder).mongodb !== undefined, 20_000)
    const server = readRunningFile(folder).mongodb
    giveUp.abort(new Error('Ctrl-C'))
    await expect(start).rejects.toThrow('Ctrl-C')
    expect(server !== undefined && isAlive(server)).toBe(false)
    expect(await stackStatus(folder)).toMatchObject({ state: 'stopped' })
    rmSync(folder, { recursive: true })
  })
})

describe('a standing stack', () => {
  let folder: string
  const only = (): LocalStackOptions & { dataDir: string } => ({
    dataDir: folder,
    prefer: 'embedded',
    parts: ['mongodb'],
    log: () => undefined,
  })
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'heed-local-stack-it-'))
  })
  afterEach(async () => {
    await stackDown(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('outlives those who use it, until it is taken down', async () => {
    await stackUp(only())
    const [first, second] = await Promise.all([startLocalStack(only()), startLocalStack(only())])
    expect(first.choice).toMatch(/already running/)
    expect(first.mongodb).toEqual(second.mongodb)
    const server = processOf(first.mongodb.pid)
    await Promise.all([first.stop(), second.stop()])
    expect(isAlive(server)).toBe(true)
    expect((await stackStatus(folder)).state).toBe('standing')
    expect(await stackDown(folder)).toEqual(['mongodb'])
    expect(isAlive(server)).toBe(false)
    expect((await stackStatus(folder)).state).toBe('stopped')
  })
})

describe('a machine that lacks something', () => {
  const empty = (path = '') => ({ PATH: path, HOME: '/nonexistent' })
  const folder = (name = 'bare') => join(dataDir, name)

  it('says in one line what to install for Kafka', async () => {
    const start = startLocalStack({
      dataDir: folder(),
      cacheDir: join(dataDir, 'no-cache'),
      env: empty(),
      prefer: 'embedded',
      parts: ['kafka'],
      log: () => undefined,
    })
    await expect(start).rejects.toMatchObject({
      problem: 'missing-tool',
      message: 'Kafka cannot run here: install a JDK 17 or later and Maven (mvn), or run Docker, or set KAFKA_BROKERS',
    })
  })

  it('takes what the environment gives, and makes no folder for it', async () => {
    const env = { ...empty(), KAFKA_BROKERS: 'kafka.example.com:9092', MONGODB_URI: 'mongodb://user:secret@db.example.com/' }
    const stack = await startLocalStack({ dataDir: folder('never-made'), env, log: () => undefined })
    expect(stack.kafka).toEqual({ brokers: ['kafka.example.com:9092'], source: 'given', pid: undefined })
    expect(stack.mongodb.uri).toBe(env.MONGODB_URI)
    expect(stack.choice).toBe('Kafka: given (KAFKA_BROKERS is set); MongoDB: given (MONGODB_URI is set)')
    await expect(stack.kill('kafka')).rejects.toMatchObject({ problem: 'not-ours' })
    await stack.stop()
    expect(statSync(folder('never-made'), { throwIfNoEntry: false })).toBeUndefined()
  })
})

function squat(port: number | undefined): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: port ?? 0 }, () => resolve(server))
  })
}

function membersOf(session: number): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,pgid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, group]) => (group === session && pid !== undefined ? [pid] : []))
}
