import { readFileSync } from 'node:fs'
import { googleAds } from '@heed/connector-google-ads'
import { googleAnalytics } from '@heed/connector-google-analytics'
import { hashedEmail } from '@heed/connector-hashed-email'
import type { Connector, Descriptor } from '@heed/connector-kit'
import { linkedinAds } from '@heed/connector-linkedin-ads'
import { mailchimp } from '@heed/connector-mailchimp'
import { manual } from '@heed/connector-manual'
import { metaAds } from '@heed/connector-meta-ads'
import { microsoftAds } from '@heed/connector-microsoft-ads'
import { supplierFeed } from '@heed/connector-supplier-feed'
import { xAds } from '@heed/connector-x-ads'
import { readPolicyFile } from '@heed/contracts'
import { connectorOf } from '@heed/domain'
import { expect, it } from 'vitest'

const root = new URL('../../../', import.meta.url)
const policy = await readPolicyFile(new URL('deploy/policy/qualified3d.yaml', root).pathname)

const described =
  <Settings>(connector: Connector<Settings>) =>
  (settings: Readonly<Record<string, unknown>>): Descriptor =>
    typeof connector.descriptor === 'function' ? connector.descriptor(connector.parseSettings(settings)) : connector.descriptor
const descriptors: Readonly<Record<string, (settings: Readonly<Record<string, unknown>>) => Descriptor>> = {
  mailchimp: described(mailchimp),
  'google-ads': described(googleAds),
  'google-analytics': described(googleAnalytics),
  'meta-ads': described(metaAds),
  'linkedin-ads': described(linkedinAds),
  'x-ads': described(xAds),
  'microsoft-ads': described(microsoftAds),
  'hashed-email': described(hashedEmail),
  'supplier-feed': described(supplierFeed),
}

/** The settings as a company without one variable set has them, but for what a recipient cannot be without. */
function bare(kind: string, settings: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const needed = {
    ...(kind === 'mailchimp' ? { baseUrl: 'https://us19.api.mailchimp.com' } : {}),
    url: 'https://partner.example.com/events',
    host: 'partner.example.com',
    hostKeys: 'SHA256:x',
    refreshTokenFile: '/run/token',
  }
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => {
      if (typeof value !== 'string' || !value.startsWith('env:') || name === 'credential') return [[name, value] as const]
      return name in needed ? [[name, needed[name as keyof typeof needed]] as const] : []
    }),
  )
}

const rows = readFileSync(new URL('services/connectors/README.md', root), 'utf8')
  .split('\n')
  .filter((line) => /^\| [a-z0-9-]+ \| [a-z-]+ \| [a-z]/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, id]) => id !== 'recipient')
const yesOrNo = (cell: string | undefined) => cell?.split(':')[0]

it('the table of recipients names everybody whom the policy has told, in its order', () => {
  const told: string[] = policy.recipients.filter(({ fulfilment }) => fulfilment.by !== 'nobody').map(({ id }) => id as string)
  expect(rows.map(([, id]) => id)).toEqual(told)
})

it.each(
  rows.map(([, id, kind, , , erasure, readBack, batch, asynchronous, drift]) => ({
    id,
    kind,
    erasure,
    readBack,
    batch,
    asynchronous,
    drift,
  })),
)('the row of $id says what its descriptor says', ({ id, kind, erasure, readBack, batch, asynchronous, drift }) => {
  const recipient = policy.recipients.find((one) => one.id === id)
  if (recipient === undefined) throw new Error('it is not in the policy')
  if (recipient.fulfilment.by !== 'connector') {
    expect({ kind, batch }).toEqual({ kind: 'manual', batch: String(described(manual)({}).batch.maxTasks) })
    expect(yesOrNo(erasure)).toBe(recipient.erasure === undefined ? 'no' : 'yes')
    return
  }
  const descriptor = descriptors[connectorOf(recipient) ?? '']?.(bare(recipient.fulfilment.connector, recipient.fulfilment.settings))
  expect({ kind, erasure: yesOrNo(erasure), readBack: yesOrNo(readBack), batch, asynchronous: yesOrNo(asynchronous) }).toEqual({
    kind: connectorOf(recipient),
    erasure: descriptor?.erasure === true ? 'yes' : 'no',
    readBack: descriptor?.readBack === undefined ? 'no' : 'yes',
    batch: String(descriptor?.batch.maxTasks),
    asynchronous: descriptor?.jobs === undefined ? 'no' : 'yes',
  })
  const days = descriptor?.reassertEveryDays ?? (descriptor?.batch.fullEverySeconds ?? 0) / 86_400
  expect(Number(/every (\d+) days/.exec(drift ?? '')?.[1] ?? 0)).toBe(days)
})
