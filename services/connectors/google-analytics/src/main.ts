import { runConnector } from '@heed/connector-kit'
import { googleAnalytics } from './connector.ts'

await runConnector(googleAnalytics, process.env, { kind: 'google-analytics' })
