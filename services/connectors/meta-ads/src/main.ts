import { runConnector } from '@heed/connector-kit'
import { metaAds } from './connector.ts'

await runConnector(metaAds, process.env, { kind: 'meta-ads' })
