import { runConnector } from '@heed/connector-kit'
import { supplierFeed } from './connector.ts'

await runConnector(supplierFeed, process.env, { kind: 'supplier-feed' })
