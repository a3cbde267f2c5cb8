import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FaultPoint, registerCallbacks, startVendors, vendorEnvironment } from '@heed/hub'
import { type LocalStack, startLocalStack } from '@heed/local-stack'
import type { Sandbox } from '@heed/sandbox'
import { freshDatabaseName, freshTopicPrefix } from '@heed/testkit'
import { type Child, type ChildConfig, killTheRest, startChild } from './child.ts'
import { forgetEverybody, introduce } from './held.ts'
import { judge, type Scene } from './oracle.ts'

/** What everybody refuses here: someone to be told of each kind, one answering at once, one by a job, one by a file, one by a call of its own. */
const refusedPurposes = [
  'email-marketing',
  'third-party-marketing',
  'interest-based-advertising',
  'supplier-sharing',
  'promotional-partners',
]

/** The recipients that connectors bring such a refusal to. */
const served = [
  'mailchimp',
  'select-third-parties',
  'cross-device-partners',
  'google-ads',
  'google-display-video',
  'microsoft-advertising',
  'meta',
  'linkedin',
  'x',
  'product-suppliers',
  'promotional-partners',
  'affiliates',
]

let runs = 0

/** A name of its own for each run, also when a test is run once more. */
export const runName = (of: string): string => `${of.replace('.', '-')}-${runs++}`

/** Broker, database and vendors that outlive the hubs that are killed. */
export interface Stage {
  readonly stack: LocalStack
  readonly sandbox: Sandbox
  readonly dataDir: string
  readonly logFile: string
  /** Everybody whom the vendors know in this run. */
  readonly introduced: string[]
  /** What a hub is told. The vendors forget everybody, who may be introduced anew. */
  config(name: string, more?: Partial<ChildConfig>): Promise<ChildConfig>
  close(): Promise<void>
}

const policyFile = new URL('../../deploy/policy/qualified3d.yaml', import.meta.url).pathname

/** Starts them. */
export async function openStage(): Promise<Stage> {
  const dataDir = await mkdtemp(join(tmpdir(), 'heed-faults-'))
  const stack = await startLocalStack({ purpose: 'test', mongoTestCommands: true })
  const sandbox = await startVendors({ port: 0, dataDir })
  const introduced: string[] = []
  return {
    stack,
    sandbox,
    dataDir,
    logFile: join(dataDir, 'hub.log'),
    introduced,
    config: async (name, more = {}) => {
      // each hub is a company of its own: a partner that knew another one's numbered files would ask for all of them
      forgetEverybody(sandbox)
      introduced.length = 0
      const edge = await freePort()
      await registerCallbacks(sandbox.url, `http://127.0.0.1:${edge}`)
      return {
        aheadMs: 0,
        ...more,
        hub: {
          dataDir: join(dataDir, name),
          brokers: stack.kafka.brokers,
          mongoUri: stack.mongodb.uri,
          dbPrefix: freshDatabaseName('f').slice(0, 40),
          topicPrefix: freshTopicPrefix('f').slice(0, 40),
          policyFile,
          ports: { preferences: await freePort(), propagation: 0, audit: 0, edge, operations: 0 },
          env: vendorEnvironment(sandbox, dataDir),
          ...more.hub,
        },
      }
    },
    close: async () => {
      killTheRest()
      await sandbox.stop()
      await stack.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}

/** People of one run, known to every vendor, and one more beside them who will not refuse anything. */
export function peopleOf(stage: Stage, name: string, count: number): string[] {
  const people = Array.from({ length: count }, (_, index) => `${name}-${index}@example.org`)
  const known = [...people, `${name}-bystander@example.org`]
  introduce(stage.sandbox, known)
  stage.introduced.push(...known)
  return people
}

/** What the oracle looks at after a run in which such a refusal was owed to these recipients. */
export function sceneOf(
  { sandbox, introduced }: Stage,
  hub: Scene['hub'],
  acknowledged: Scene['acknowledged'],
  recipients = served,
): Scene {
  return { hub, sandbox, acknowledged, served: recipients, introduced }
}

/** Records a refusal of each person, again and again until it is acknowledged; whoever is asked may die meanwhile. Gives what was acknowledged. */
export async function refuseAll(current: () => Child, people: readonly string[], name: string): Promise<Map<string, string>> {
  const acknowledged = new Map<string, string>()
  let next = 0
  const one = async () => {
    for (let index = next++; index < people.length; index = next++) {
      const address = people[index] ?? ''
      for (;;) {
        try {
          const { changeId } = await current().clients.preferences.setPreferences(
            {
              requestId: `${name}:${index}`,
              subject: { identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: address } },
              choices: refusedPurposes.map((purpose) => ({ purpose, choice: 'CHOICE_DENIED' })),
              origin: 'ORIGIN_KIND_PERSON',
            },
            { deadlineMs: 5_000 },
          )
          acknowledged.set(changeId, address)
          break
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, one))
  return acknowledged
}

/** Waits until every invariant holds; gives what does not after so long. */
export async function verdictOf(scene: Scene, child: Child, forMs = 60_000): Promise<readonly string[]> {
  const until = Date.now() + forMs
  for (;;) {
    await child.settle()
    const wrong = await judge(scene)
    if (wrong.length === 0 || Date.now() > until) return wrong
    // what waits for a vendor's quiet time or a back-off gets it
    child.turn(60_000)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

/** Runs people through a hub that dies at a moment, and through the one that is started after it. */
export async function crashAt(
  stage: Stage,
  point: FaultPoint,
  pass: number,
  kind?: string,
): Promise<{ fired: boolean; end: NodeJS.Signals | number; wrong: readonly string[]; repeated: boolean }> {
  const name = runName(point)
  const proof = join(stage.dataDir, `${name}.fired`)
  const config = await stage.config(name, { fault: { point, kind, pass, proof } })
  const people = peopleOf(stage, name, 16)
  let child = await startChild(config, stage.logFile)
  const dying = child
  const running = refuseAll(() => child, people, name)
  const end = await dying.ended
  dying.clients.close()
  // hours later, so that nobody waits for a lease or a vendor's quiet time
  const { fault: _, ...healthy } = config
  child = await startChild({ ...healthy, aheadMs: 3_600_000 }, stage.logFile)
  try {
    const acknowledged = await running
    const wrong = await verdictOf(sceneOf(stage, config.hub, acknowledged), child)
    const again = await refuseAll(() => child, people, name)
    return {
      fired: existsSync(proof),
      end,
      wrong,
      repeated: [...again.keys()].toSorted().join() === [...acknowledged.keys()].toSorted().join(),
    }
  } finally {
    await child.stop()
  }
}
