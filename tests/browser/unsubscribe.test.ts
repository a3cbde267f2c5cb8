import { existsSync, mkdirSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub } from '../system/test-hub.ts'

const executable = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find(existsSync)
const pictures = new URL('../../node_modules/.cache/heed-pictures/', import.meta.url).pathname

// a machine without a browser runs everything else; CI installs one
describe.runIf(executable !== undefined)('the page behind an unsubscribe link', () => {
  let test: TestHub
  let browser: Browser
  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true })
    test = await startTestHub()
    browser = await chromium.launch({
      executablePath: executable ?? '',
      args: ['--no-sandbox', '--disable-background-networking', '--disable-quic', '--no-first-run', '--disable-sync'],
    })
  })
  afterAll(async () => {
    await browser?.close()
    await test?.stop()
  })

  const linkOf = async (address: string) => {
    const { links } = await test.clients.preferences.createUnsubscribeLinks({
      purpose: 'email-marketing/newsletter',
      subjects: [{ identifier: { kind: 'IDENTIFIER_KIND_EMAIL', value: address } }],
    })
    const [link] = links
    if (link === undefined) throw new Error('a link')
    return link
  }
  const versionOf = async (subjectId: string) => {
    await test.hub.edge.settle()
    return (await test.clients.preferences.getPreferences({ subject: { subjectId } })).version
  }

  it.each([
    ['with scripts', true],
    ['without scripts', false],
  ])('shows what will be stopped, does nothing by itself, and stops it by its button: %s', async (name, javaScriptEnabled) => {
    const link = await linkOf(`button-${name.replace(' ', '-')}@example.org`)
    const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 900, height: 700 } })
    const page = await context.newPage()
    const outside: string[] = []
    page.on('request', (sent) => {
      if (!sent.url().startsWith(test.hub.addresses.edge)) outside.push(sent.url())
    })
    await page.goto(link.url)
    await page.screenshot({ path: `${pictures}unsubscribe.png` })
    expect(await page.getByRole('heading').textContent()).toBe('Stop “The newsletter”?')
    expect(await page.getByRole('button').allTextContents()).toEqual(['Stop “The newsletter”', 'Stop all marketing email'])
    expect(await versionOf(link.subjectId)).toBe(0)
    await page.getByRole('button', { name: 'Stop “The newsletter”' }).click()
    await page.getByRole('heading', { name: 'Done' }).waitFor()
    await page.screenshot({ path: `${pictures}done.png` })
    expect(await versionOf(link.subjectId)).toBe(1)
    expect(outside).toEqual([])
    expect(await context.cookies()).toEqual([])
    await context.close()
  })

  it('stops all marketing email by its second button', async () => {
    const link = await linkOf('all@example.org')
    const page = await browser.newPage()
    await page.goto(link.url)
    await page.getByRole('button', { name: 'Stop all marketing email' }).click()
    await page.getByRole('heading', { name: 'Done' }).waitFor()
    await test.hub.edge.settle()
    const { chosen } = await test.clients.preferences.getPreferences({ subject: { subjectId: link.subjectId } })
    expect(chosen).toMatchObject([{ purpose: 'email-marketing', choice: 'CHOICE_DENIED' }])
    await page.close()
  })

  it('after one topic offers to stop everything, and is used with the keyboard alone', async () => {
    const link = await linkOf('keyboard@example.org')
    const page = await browser.newPage()
    await page.goto(link.url)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Done: you stopped “The newsletter”' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Done: you stopped all marketing email' }).waitFor()
    expect(await versionOf(link.subjectId)).toBe(2)
    await page.close()
  })

  it('can be read and used by everybody: no fault of accessibility, in light and dark, on a phone', async () => {
    const link = await linkOf('phone@example.org')
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ colorScheme, viewport: { width: 360, height: 720 } })
      const page = await context.newPage()
      await page.goto(link.url)
      const looksGood = async (name: string) => {
        await page.screenshot({ path: `${pictures}${name}-${colorScheme}.png` })
        // the page's own policy forbids scripts, so the checker's are put in by the browser itself
        const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze()
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.length}`)).toEqual([])
        // nothing is wider than the phone
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
      }
      await looksGood('phone')
      await page.getByRole('button', { name: 'Stop “The newsletter”' }).click()
      await page.getByRole('heading', { name: 'Done' }).waitFor()
      await looksGood('phone-done')
      await page.goto(`${test.hub.addresses.edge}/v1/u/cut-off`)
      await looksGood('phone-cut-off')
      await context.close()
    }
  })
})
