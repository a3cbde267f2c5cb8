import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { eventSchemas } from '@heed/contracts'
import { cruise, type IForbiddenRuleType } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'

const root = new URL('../../', import.meta.url).pathname

/** The rooms from the top of the house down: a room imports only what its line names. */
const mayImport: Record<string, readonly string[]> = {
  'libs/domain': [],
  'libs/merkle-log': [],
  'libs/contracts': ['libs/domain'],
  'libs/platform': ['libs/domain', 'libs/contracts'],
  'libs/trail': ['libs/domain', 'libs/contracts', 'libs/platform', 'libs/merkle-log'],
  'libs/evidence': ['libs/domain', 'libs/contracts', 'libs/merkle-log'],
  'libs/connector-kit': ['libs/domain', 'libs/contracts', 'libs/platform'],
  'libs/local-stack': [],
  'libs/testkit': ['libs/domain', 'libs/contracts', 'libs/platform', 'libs/connector-kit', 'libs/local-stack'],
  'services/preferences': ['libs/domain', 'libs/contracts', 'libs/platform'],
  'services/propagation': ['libs/domain', 'libs/contracts', 'libs/platform'],
  'services/audit': ['libs/domain', 'libs/contracts', 'libs/platform', 'libs/merkle-log', 'libs/trail', 'libs/evidence'],
  'services/edge': ['libs/domain', 'libs/contracts', 'libs/platform'],
  'services/sandbox': [],
  'services/cli': ['libs/domain', 'libs/contracts', 'libs/platform', 'libs/local-stack', 'libs/merkle-log', 'libs/trail', 'libs/evidence'],
  'services/hub': ['libs/', 'services/'],
}
const connector = ['libs/domain', 'libs/contracts', 'libs/platform', 'libs/connector-kit']

// what only tests load: test files and their fixtures
const test = '\\.(?:(?:it\\.)?test|fixture)\\.ts$'
const escaped = (path: string) => path.replaceAll('/', '\\/')

const forbidden: IForbiddenRuleType[] = [
  { name: 'no circle', severity: 'error', from: {}, to: { circular: true } },
  ...Object.entries(mayImport).map(
    ([room, allowed]): IForbiddenRuleType => ({
      name: `${room} imports only ${allowed.join(', ') || 'itself'}`,
      severity: 'error',
      from: { path: `^${escaped(room)}/`, pathNot: test },
      to: { path: '^(?:libs|services)/', pathNot: `^(?:${[room, ...allowed].map(escaped).join('|')})` },
    }),
  ),
  {
    name: 'a connector imports only the kit and what stands above it, never another connector',
    severity: 'error',
    from: { path: '^services/connectors/([^/]+)/', pathNot: test },
    to: { path: '^(?:libs|services)/', pathNot: ['^services/connectors/$1/', `^(?:${connector.map(escaped).join('|')})/`] },
  },
  {
    name: 'the domain imports nothing, not even node:',
    severity: 'error',
    from: { path: '^libs/domain/', pathNot: test },
    to: { pathNot: '^libs/domain/' },
  },
  {
    name: 'the merkle log imports node:crypto only',
    severity: 'error',
    from: { path: '^libs/merkle-log/', pathNot: test },
    to: { pathNot: '^(?:libs/merkle-log/|(?:node:)?crypto$)' },
  },
  {
    name: 'only libs/platform/kafka (and the launcher that waits for a broker) imports kafkajs',
    severity: 'error',
    from: { pathNot: ['^libs/platform/src/kafka/', '^libs/local-stack/', '^tests/', test] },
    to: { path: 'node_modules/kafkajs/' },
  },
  {
    name: 'only tests import the testkit',
    severity: 'error',
    from: { pathNot: ['^libs/testkit/', '^tests/', test, 'conformance\\.ts$'] },
    to: { path: '^libs/testkit/' },
  },
]

let broken: string[] = []
let seen = 0

beforeAll(async () => {
  const result = await cruise(
    ['libs', 'services'],
    {
      baseDir: root,
      ruleSet: { forbidden },
      validate: true,
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '(?:^|/)dist/' },
      tsPreCompilationDeps: true,
      tsConfig: { fileName: 'tsconfig.json' },
      enhancedResolveOptions: {
        exportsFields: ['exports'],
        conditionNames: ['import', 'node', 'default'],
        extensions: ['.ts', '.js', '.mjs', '.json'],
      },
    },
    {},
    { tsConfig: extractTSConfig(join(root, 'tsconfig.json')) },
  )
  if (typeof result.output === 'string') throw new Error(result.output)
  seen = result.output.summary.totalDependenciesCruised ?? 0
  broken = result.output.summary.violations.map((violation) => `${violation.rule.name}: ${violation.from} → ${violation.to}`)
}, 120_000)

describe('the house', () => {
  it('keeps its layers and has no circle', () => {
    expect(broken).toEqual([])
  })

  it('was really looked at: imports across rooms are seen', () => {
    expect(seen).toBeGreaterThan(100)
  })

  it('has a line in this test for every room', () => {
    const rooms = ['libs', 'services'].flatMap((floor) => readdirSync(join(root, floor)).map((room) => `${floor}/${room}`))
    expect(rooms.filter((room) => room !== 'services/connectors' && statSync(join(root, room)).isDirectory()).sort()).toEqual(
      Object.keys(mayImport).sort(),
    )
  })

  it('has a README in every room', () => {
    const rooms = [
      ...Object.keys(mayImport),
      ...readdirSync(join(root, 'services/connectors'))
        .filter((name) => !name.includes('.'))
        .map((name) => `services/connectors/${name}`),
    ]
    expect(rooms.filter((room) => !readdirSync(join(root, room)).includes('README.md'))).toEqual([])
  })
})

describe('the topics', () => {
  it('have no field for an address, a name, a phone, a token or an IP', () => {
    const names = new Set<string>()
    const walk = (value: unknown) => {
      if (typeof value !== 'object' || value === null) return
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'properties') for (const name of Object.keys(inner as object)) names.add(name)
        walk(inner)
      }
    }
    for (const schema of Object.values(eventSchemas)) walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
    expect(names.size).toBeGreaterThan(20)
    expect(
      [...names].filter((name) => /e-?mail|phone|address|^name$|firstname|lastname|^token$|^ip$|useragent|value$/i.test(name)),
    ).toEqual([])
  })

  it('are read and written through libs/contracts only: no other room names a topic by hand', () => {
    const sources = ['libs', 'services'].flatMap((floor) =>
      readdirSync(join(root, floor), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|node_modules|(^|\/)dist\//.test(file))
        .map((file) => `${floor}/${file}`),
    )
    const named = sources.filter(
      (file) =>
        !file.startsWith('libs/contracts/') &&
        /\b(?:preferences|outcomes|acts|controls|dead-letters|deliveries\.[^'"`]*)\.v1\b['"`]/.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(named).toEqual([])
  })
})
