import { runConnector } from '@heed/connector-kit'
import { linkedinAds } from './connector.ts'

await runConnector(linkedinAds, process.env, { kind: 'linkedin-ads' })
