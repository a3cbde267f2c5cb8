// A gRPC server that gives every subject one identifier, in the form of most advertisers: what a connector asks, without the vault behind it.
import { createHash } from 'node:crypto'
import * as grpc from '@grpc/grpc-js'
import { loadService } from '@heed/contracts'
import type { ResolveIdentifiersRequest } from '@heed/contracts/gen/heed/identifiers/v1/ResolveIdentifiersRequest.ts'

const server = new grpc.Server()
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
server.addService(loadService('heed.identifiers.v1.IdentifierService'), {
  ResolveIdentifiers: (
    { request: { items = [] } }: { request: ResolveIdentifiersRequest },
    callback: (error: null, answer: object) => void,
  ) =>
    callback(null, {
      subjects: items.map(({ subjectId = '' }) => ({
        subjectId,
        standing: 'SUBJECT_STANDING_ACTIVE',
        identifiers: [{ kind: 'IDENTIFIER_KIND_EMAIL', form: 'plain-sha256-hex', value: hashOf(`${subjectId}@example.com`) }],
        newestVersion: 1,
      })),
    }),
  HandOverIdentifiers: (_call: unknown, callback: (error: null, answer: object) => void) => callback(null, {}),
} as never)
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error
  process.stdout.write(`${port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
