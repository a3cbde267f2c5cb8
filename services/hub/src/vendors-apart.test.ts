import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, it } from 'vitest'
import { sandboxOptions, vendorEnvironment } from './vendors.ts'
import { startVendorsApart } from './vendors-apart.ts'

const folder = mkdtempSync(join(tmpdir(), 'heed-vendors-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  )

it('plays the vendors in a process of its own, and tells how each is reached', async () => {
  const vendors = await startVendorsApart(sandboxOptions({ port: 0, dataDir: join(folder, 'told') }))
  const environment = vendorEnvironment(vendors.connections, folder)
  expect(environment.MAILCHIMP_BASE_URL).toBe(`${vendors.url}/mailchimp`)
  expect(Object.entries(environment).filter(([, value]) => typeof value !== 'string' || value === '')).toEqual([])
  expect(await answers(vendors.url)).toBe(true)
  await vendors.stop()
  expect(await answers(vendors.url)).toBe(false)
}, 30_000)

it('says so where the vendors cannot be played', async () => {
  await expect(startVendorsApart({ port: -1 })).rejects.toThrow('has ended')
}, 30_000)

it('ends with the process that started it, also when that is killed', async () => {
  const code = `
    const { startVendorsApart } = await import(${JSON.stringify(new URL('vendors-apart.ts', import.meta.url).href)})
    const { url } = await startVendorsApart({ port: 0 })
    console.log(url)
    setInterval(() => undefined, 1000)`
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(parent, 'exit').then(() => Promise.reject(new Error('it ended')))
  const [url] = (await Promise.race([once(createInterface(parent.stdout), 'line'), ended])) as [string]
  ended.catch(() => undefined)
  expect(await answers(url)).toBe(true)
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  await expect.poll(() => answers(url), { timeout: 10_000 }).toBe(false)
}, 30_000)
