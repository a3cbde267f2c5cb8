import { runConnector } from '@heed/connector-kit'
import { microsoftAds } from './connector.ts'

await runConnector(microsoftAds, process.env, { kind: 'microsoft-ads' })
