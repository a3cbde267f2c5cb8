import { HeedError } from '@heed/platform/errors'
import type { Connections, SandboxOptions } from '@heed/sandbox'

const raw = (type: string) => ({ type, format: 'raw' as const, profile: null })
const hashedAddress = { type: 'email', format: 'sha256' as const, profile: 'plain-sha256-hex' }
const [customer, browser] = [raw('controller_customer_id'), raw('browser_id')]

/** The partners that take a feed, as the policy file names them, and how the policy lets people be named to them. */
export const feedPartners: NonNullable<SandboxOptions['supplierFeed']> = {
  partners: [
    { name: 'product-suppliers', identities: [hashedAddress, customer] },
    { name: 'promotional-partners', identities: [hashedAddress] },
    { name: 'affiliates', signature: 'ed25519', answers: 'by-call', identities: [hashedAddress, customer] },
    { name: 'user-experience-tool', identities: [customer, browser] },
    {
      name: 'qualified3d-website',
      identities: [customer, browser, ...['app_instance_id', 'ios_advertising_id', 'android_advertising_id'].map(raw)],
    },
  ],
}

const variableNames: Readonly<Record<string, string>> = {
  'product-suppliers': 'PRODUCT_SUPPLIERS',
  'promotional-partners': 'PROMOTIONAL_PARTNERS',
  affiliates: 'AFFILIATES',
  'user-experience-tool': 'EXPERIENCE_TOOL',
  'qualified3d-website': 'WEBSITE_CONSENT',
}

/** The variables that these partners are configured by in the policy file. */
export function feedVariables({ partners }: Connections['supplierFeed']): Record<string, string> {
  const variables: Record<string, string> = { FEED_TRUSTED_HOSTS: [...new Set(partners.map(({ url }) => new URL(url).host))].join(',') }
  for (const { name, url, signingKey, callbackKey } of partners) {
    const variable = variableNames[name]
    if (variable === undefined) continue
    variables[`${variable}_FEED_URL`] = url
    variables[`${variable}_FEED_SECRET`] = signingKey
    variables[`${variable}_CALLBACK_SECRET`] = callbackKey
  }
  return variables
}

/** Tells the partners that are played where they call once they are through: at the edge, as it is registered with them. */
export async function registerCallbacks(sandboxUrl: string, edgeUrl: string): Promise<void> {
  const response = await fetch(`${sandboxUrl}/_control/supplier-feed/settings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ callbacks: { affiliates: `${edgeUrl}/v1/callbacks/affiliates` } }),
    signal: AbortSignal.timeout(5_000),
  })
  await response.arrayBuffer()
  if (!response.ok) throw new HeedError('sandbox.refused', 'the played partners do not take where they call')
}
