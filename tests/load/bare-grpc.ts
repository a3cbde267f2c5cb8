// A gRPC server that answers SetPreferences, CheckPermission and UseUnsubscribeLinks with a constant: the ceiling of unary calls.
import * as grpc from '@grpc/grpc-js'
import { loadService } from '@heed/contracts'

const server = new grpc.Server()
const constant = (answer: object) => (_call: unknown, callback: (error: null, answer: object) => void) => callback(null, answer)
const definition = loadService('heed.preferences.v1.PreferenceService')
const unused = Object.fromEntries(Object.keys(definition).map((name) => [name, constant({})]))
server.addService(definition, {
  ...unused,
  SetPreferences: constant({
    subjectId: 's-00000000000000000000000000',
    version: 1,
    changeId: 's-00000000000000000000000000/1',
    changed: true,
    acceptedAt: { seconds: 1, nanos: 0 },
  }),
  CheckPermission: constant({ allowed: true, reason: 'PERMISSION_REASON_GRANTED', version: 1 }),
  UseUnsubscribeLinks: (
    { request: { uses } }: { request: { uses: readonly unknown[] } },
    callback: (error: null, answer: object) => void,
  ) => callback(null, { results: uses.map(() => ({ result: 'LINK_USE_UNCHANGED', changeId: '' })) }),
} as never)
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error
  process.stdout.write(`${port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
