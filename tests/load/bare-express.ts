// Express with its own body parser, answering 200: the ceiling of the unsubscribe endpoint.
import type { AddressInfo } from 'node:net'
import express from 'express'

const app = express()
app.disable('x-powered-by')
app.use(express.urlencoded({ extended: false }))
app.post('/v1/u/:token', (_request, response) => {
  response.status(200).end()
})
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
process.on('SIGTERM', () => process.exit(0))
