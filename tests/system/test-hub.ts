import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clients, connectClients } from '@heed/cli'
import type { ChangeStatus__Output } from '@heed/contracts/gen/heed/audit/v1/ChangeStatus.ts'
import type { SetPreferencesResponse__Output } from '@heed/contracts/gen/heed/preferences/v1/SetPreferencesResponse.ts'
import { type Hub, type HubOptions, registerCallbacks, startHub, startVendors, vendorEnvironment } from '@heed/hub'
import { createLogger } from '@heed/platform/log'
import type { Sandbox } from '@heed/sandbox'
import { freshDatabaseName, freshTopicPrefix, TurnedClock } from '@heed/testkit'
import { inject } from 'vitest'

/** A whole hub in this process, on the real broker and database of the run, with vendors that are played. */
export interface TestHub {
  readonly hub: Hub
  readonly sandbox: Sandbox
  /** As an operator: everything is allowed. */
  readonly clients: Clients
  readonly clock: TurnedClock
  /** Everything that was logged so far. */
  log(): string
  /** Records refusals of one person. */
  optOut(address: string, purposes?: readonly string[]): Promise<SetPreferencesResponse__Output>
  /** Records a consent given just now. */
  optIn(address: string, purposes?: readonly string[]): Promise<SetPreferencesResponse__Output>
  /** Where each delivery of a change is, once nothing is under way any more: settled, or the duty of a person. */
  settled(changeId: string): Promise<ChangeStatus__Output>
  /** Stops the hub and starts it again on the same data, as after a deployment. */
  restart(changed?: Partial<HubOptions>): Promise<void>
  /** Asks again and again until the answer is true. */
  until(condition: () => boolean | Promise<boolean>, what: string): Promise<void>
  stop(): Promise<void>
}

const policyFile = new URL('../../deploy/policy/qualified3d.yaml', import.meta.url).pathname
let counter = 0

/** Starts one. Every test of a file may share it: people are told apart by their addresses. */
export async function startTestHub(
  given: Partial<HubOptions> & { readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<TestHub> {
  const { environment = {}, ...changed } = given
  const dataDir = await mkdtemp(join(tmpdir(), 'heed-system-'))
  const sandbox = await startVendors({ port: 0, dataDir })
  const clock = new TurnedClock()
  let logged = ''
  const log = createLogger('hub', {
    level: 'debug',
    destination: {
      write: (line) => {
        logged += line
      },
    },
  })
  const port = await freeEdgePort()
  const options: HubOptions = {
    dataDir,
    brokers: inject('kafkaBrokers').split(','),
    mongoUri: inject('mongoUri'),
    dbPrefix: freshDatabaseName('s').slice(0, 40),
    topicPrefix: freshTopicPrefix('s').slice(0, 40),
    policyFile,
    ports: { preferences: 0, propagation: 0, audit: 0, edge: port, operations: 0 },
    env: { ...vendorEnvironment(sandbox, dataDir), ...environment },
    log,
    clock,
    ...changed,
  }
  await registerCallbacks(sandbox.url, `http://127.0.0.1:${port}`)
  let hub = await startHub(options)
  let clients = connectClients({ ...hub.addresses, key: hub.keys.operator, mongoUri: undefined, dbPrefix: '' })

  const until = async (condition: () => boolean | Promise<boolean>, what: string) => {
    const end = Date.now() + 45_000
    while (!(await condition())) {
      if (Date.now() > end) throw new Error(`waited too long until ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
  const person = (value: string) => ({ identifier: { kind: 'IDENTIFIER_KIND_EMAIL' as const, value } })
  const all: readonly string[] = ['email-marketing', 'third-party-marketing']

  return {
    get hub() {
      return hub
    },
    sandbox,
    get clients() {
      return clients
    },
    clock,
    log: () => logged,
    optOut: (address, purposes = all) =>
      clients.preferences.setPreferences({
        requestId: `test:${counter++}`,
        subject: person(address),
        choices: purposes.map((purpose) => ({ purpose, choice: 'CHOICE_DENIED' })),
        origin: 'ORIGIN_KIND_PERSON',
      }),
    optIn: (address, purposes = all) => {
      // newer than whatever was denied before, even in the same millisecond
      clock.turn(10)
      const now = clock.now()
      return clients.preferences.setPreferences({
        requestId: `test:${counter++}`,
        subject: person(address),
        choices: purposes.map((purpose) => ({ purpose, choice: 'CHOICE_GRANTED' })),
        origin: 'ORIGIN_KIND_PERSON',
        evidence: {
          kind: 'EVIDENCE_KIND_FORM',
          reference: 'form-1',
          collectedAt: { seconds: Math.floor(now / 1000), nanos: (now % 1000) * 1e6 },
        },
      })
    },
    settled: async (changeId) => {
      let last: ChangeStatus__Output | null = null
      await until(async () => {
        last = (await clients.audit.getChangeStatus({ changeId }).catch(() => ({ status: null }))).status
        return (
          last?.deliveries.some(({ recipientId }) => hub.connectors.serves(recipientId)) === true &&
          last.deliveries.every(
            ({ recipientId, settled, state }) =>
              settled ||
              (hub.connectors.makesDuties(recipientId) ? state === 'DELIVERY_STATE_NEEDS_PERSON' : !hub.connectors.serves(recipientId)),
          )
        )
      }, `${changeId} has settled`)
      if (last === null) throw new Error('no status')
      return last
    },
    restart: async (more = {}) => {
      clients.close()
      await hub.stop()
      hub = await startHub({ ...options, ...more })
      clients = connectClients({ ...hub.addresses, key: hub.keys.operator, mongoUri: undefined, dbPrefix: '' })
    },
    until,
    stop: async () => {
      clients.close()
      await hub.stop()
      await sandbox.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** The edge's port stands in links before it listens, so it is chosen beforehand. */
function freeEdgePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}
