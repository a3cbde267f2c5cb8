import { runConnector } from '@heed/connector-kit'
import { mailchimp } from './connector.ts'

await runConnector(mailchimp, process.env, { kind: 'mailchimp' })
