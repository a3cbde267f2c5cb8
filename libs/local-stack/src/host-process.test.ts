import { describe, expect, it } from 'vitest'
import { isAlive, startMarkFromStat, thisProcess } from './host-process.ts'

describe('startMarkFromStat', () => {
  const stat = (command: string, state: string) => `42 (${command}) ${state} 1 42 42 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 987654 0 0`

  it('finds the start time behind any command name', () => {
    expect(startMarkFromStat(stat('java', 'S'))).toBe('987654')
    expect(startMarkFromStat(stat('a) b (c', 'R'))).toBe('987654')
  })

  it('takes a zombie for gone', () => {
    expect(startMarkFromStat(stat('java', 'Z'))).toBeUndefined()
  })
})

describe('isAlive', () => {
  it('knows this process', () => {
    expect(isAlive(thisProcess())).toBe(true)
  })

  it('is not fooled by a later process of the same id', () => {
    expect(isAlive({ ...thisProcess(), startMark: 'another' })).toBe(false)
  })
})
