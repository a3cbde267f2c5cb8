import { runConnector } from '@heed/connector-kit'
import { hashedEmail } from './connector.ts'

await runConnector(hashedEmail, process.env, { kind: 'hashed-email' })
