import { runConnector } from '@heed/connector-kit'
import { xAds } from './connector.ts'

await runConnector(xAds, process.env, { kind: 'x-ads' })
