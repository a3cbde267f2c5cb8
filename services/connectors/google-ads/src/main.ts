import { runConnector } from '@heed/connector-kit'
import { googleAds } from './connector.ts'

await runConnector(googleAds, process.env, { kind: 'google-ads' })
