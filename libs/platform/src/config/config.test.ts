import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { brokerList, ConfigError, describeConfig, flag, logLevel, portNumber, readConfig } from './index.ts'

const shape = {
  PORT: portNumber(7101),
  BROKERS: brokerList,
  SECRET: { schema: z.string().min(8), secret: true, describe: 'signs things' },
  OPTIONAL_SECRET: { schema: z.string().optional(), secret: true },
  VERBOSE: flag(false),
  LEVEL: logLevel,
  MONGO: z.string().default('mongodb://127.0.0.1'),
}
const given = { BROKERS: 'a:1, b:2', SECRET: 'very-secret-value' }

function problemsOf(env: Record<string, string>): ConfigError {
  try {
    readConfig(env, shape)
  } catch (error) {
    if (error instanceof ConfigError) return error
  }
  throw new Error('no ConfigError')
}

describe('readConfig', () => {
  it('parses each variable and fills in defaults', () => {
    expect(readConfig(given, shape)).toEqual({
      PORT: 7101,
      BROKERS: ['a:1', 'b:2'],
      SECRET: 'very-secret-value',
      OPTIONAL_SECRET: undefined,
      VERBOSE: false,
      LEVEL: 'info',
      MONGO: 'mongodb://127.0.0.1',
    })
  })

  it('takes an empty variable for one that is not set', () => {
    expect(readConfig({ ...given, PORT: '', VERBOSE: ' ' }, shape)).toMatchObject({ PORT: 7101, VERBOSE: false })
  })

  it('names every wrong variable at once', () => {
    const error = problemsOf({ PORT: '70000', BROKERS: 'nonsense', VERBOSE: 'perhaps' })
    expect(error.problems.map(({ variable }) => variable)).toEqual(['PORT', 'BROKERS', 'SECRET', 'VERBOSE'])
    expect(error.problems.find(({ variable }) => variable === 'SECRET')?.message).toBe('is missing')
  })

  it('does not quote a value in its complaint', () => {
    expect(problemsOf({ ...given, SECRET: 'short', PORT: 'http://me:pass@x' }).message).not.toMatch(/short|pass/)
  })
})

describe('describeConfig', () => {
  it('shows a secret only as set or not set, and no credentials of an address', () => {
    const shown = describeConfig(readConfig({ ...given, MONGO: 'mongodb://root:hunter2@db:27017/?x=1' }, shape))
    expect(shown).toMatchObject({ SECRET: 'set', OPTIONAL_SECRET: 'not set', PORT: 7101, MONGO: 'mongodb://[credentials]@db:27017/?x=1' })
    expect(JSON.stringify(shown)).not.toMatch(/very-secret|hunter2/)
  })

  it('hides everything of an object that it did not read', () => {
    expect(describeConfig({ A: 'x' })).toEqual({ A: 'set' })
  })
})
