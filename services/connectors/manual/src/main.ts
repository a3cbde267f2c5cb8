import { runConnector } from '@heed/connector-kit'
import { manual } from './connector.ts'

await runConnector(manual, process.env)
