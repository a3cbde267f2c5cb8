import { afterEach, describe, expect, it, vi } from 'vitest'
import { shutdownSignal } from './index.ts'

const before = { SIGTERM: process.listeners('SIGTERM'), SIGINT: process.listeners('SIGINT') }
afterEach(() => {
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    for (const listener of process.listeners(name)) if (!before[name].includes(listener)) process.off(name, listener)
  }
  vi.restoreAllMocks()
})

describe('shutdownSignal', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('is aborted by %s, and a second one does not wait', (name) => {
    const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Error(`exit ${code}`)
    })
    const signal = shutdownSignal()
    expect(signal.aborted).toBe(false)
    process.emit(name, name)
    expect(signal.aborted).toBe(true)
    expect(exit).not.toHaveBeenCalled()
    expect(() => process.emit(name, name)).toThrow(name === 'SIGINT' ? 'exit 130' : 'exit 143')
  })
})
