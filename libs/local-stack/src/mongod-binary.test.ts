import { describe, expect, it } from 'vitest'
import { fits, wheelRunsOn } from './mongod-binary.ts'

describe('fits', () => {
  it.each([
    ['6.0.5', undefined, true],
    ['8.2.1', undefined, true],
    ['5.0.30', undefined, false],
    ['6.0.24', '6.0', true],
    ['7.0.1', '6.0', false],
    ['6.0.5', '7.0', false],
  ])('a mongod %s for data of %s: %s', (version, series, expected) => {
    expect(fits(version, series)).toBe(expected)
  })
})

describe('wheelRunsOn', () => {
  it.each<[NodeJS.Platform, string, boolean]>([
    ['linux', 'x64', true],
    ['linux', 'arm64', false],
    ['darwin', 'x64', false],
  ])('%s %s: %s', (platform, arch, expected) => {
    expect(wheelRunsOn(platform, arch)).toBe(expected)
  })
})
