import { topicsOf } from '@heed/contracts'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { anOptOut, byEmail, type Harness, startHarness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness({ mongoUri: inject('mongoUri'), kafkaBrokers: inject('kafkaBrokers').split(',') })
})
afterAll(() => harness.stop())

/** Planted in every place where a request has one, right and wrong; searched in everything that leaves the process or stays in the database in the clear. */
const planted = {
  email: 'canary.kestrel-7731@example.org',
  phone: '+15005550006',
  user: 'canary-user-kestrel-7731',
}
const traces = [/kestrel/i, /5005550006/]

it('keeps planted identifiers and tokens out of logs, topics, metrics, errors and every stored row', async () => {
  const { client, identifiers } = harness
  const errors: string[] = []
  const attempt = (call: Promise<unknown>) =>
    call.then(
      (answer) => answer,
      (thrown: unknown) => {
        const error = thrown as Error & { details?: unknown }
        errors.push(JSON.stringify({ ...error, message: error.message, stack: error.stack }))
      },
    )
  const { subjectId } = await client.setPreferences(anOptOut('c-1', planted.email))
  await client.linkIdentifiers({
    requestId: 'c-2',
    subject: byEmail(planted.email),
    identifiers: [
      { kind: 'IDENTIFIER_KIND_PHONE', value: planted.phone },
      { kind: 'IDENTIFIER_KIND_USER_ID', value: planted.user },
    ],
  })
  const { links } = await client.createUnsubscribeLinks({ purpose: 'email-marketing', subjects: [byEmail(planted.email)] })
  const token = links[0]?.url.split('/').at(-1) ?? ''
  await identifiers.resolveIdentifiers({ recipientId: 'google-ads', items: [{ subjectId }] })
  await client.checkPermission({ subject: byEmail(planted.email), recipientId: 'mailchimp' })
  await client.planChange({ subject: byEmail(planted.email), choices: [{ purpose: 'analytics', choice: 'CHOICE_DENIED' }] })
  // wrong in each place that takes free text
  await attempt(client.setPreferences(anOptOut(planted.email, planted.email)))
  await attempt(client.setPreferences(anOptOut('c-3', `${planted.email} ${planted.phone}`)))
  await attempt(client.setPreferences({ ...anOptOut('c-4', planted.email), originReference: planted.email }))
  await attempt(client.setPreferences(anOptOut('c-5', planted.email, planted.email)))
  await attempt(client.setPreferences({ ...anOptOut('c-6', planted.email), subject: { subjectId: planted.email } }))
  await attempt(client.setPreferences(anOptOut('c-1', planted.email, 'analytics')))
  await attempt(client.checkPermission({ subject: byEmail(planted.email), recipientId: planted.email }))
  await attempt(client.getPreferences({ subject: byEmail(`unknown.${planted.email}`) }))
  await attempt(
    client.useUnsubscribeLinks({
      uses: [{ linkRef: token, scope: planted.email, tokenFingerprint: token, keyId: token, requestId: planted.email }],
    }),
  )
  await attempt(identifiers.resolveIdentifiers({ recipientId: planted.email, items: [{ subjectId: planted.email }] }))
  const watching = client.watchChanges({ resumeToken: planted.email })[Symbol.asyncIterator]()
  await attempt(watching.next())
  // and where the database fails with the value in its hands
  const admin = harness.mongo.database('admin').db?.admin()
  await admin?.command({
    configureFailPoint: 'failCommand',
    mode: { times: 1 },
    data: { failCommands: ['insert'], appName: harness.prefix, errorCode: 96 },
  })
  await attempt(client.setPreferences(anOptOut('c-7', `second.${planted.email}`)))
  expect(errors).toHaveLength(12)

  await harness.app.relay.settle()
  const records: string[] = []
  const topics = topicsOf(harness.prefix)
  await harness.kafka.replay({
    topics: [topics.preferences, topics.acts],
    from: 'start',
    handle: async (batch) => {
      for (const record of batch.records) records.push(`${record.key} ${record.value?.toString('utf8')} ${JSON.stringify(record.headers)}`)
    },
  })
  const rows: string[] = []
  const database = harness.mongo.database(`${harness.prefix}_preferences`).db
  for (const { name } of (await database?.listCollections().toArray()) ?? []) {
    for await (const row of database?.collection(name).find() ?? []) {
      // sealed bytes too: as text, and as the bytes that a careless writer would have left
      rows.push(JSON.stringify(row, (_, value) => (value?._bsontype === 'Binary' ? value.toString('latin1') : value)))
    }
  }
  expect([harness.lines.length > 5, records.length > 3, rows.length > 8]).toEqual([true, true, true])
  const everything = { logs: harness.lines, errors, records, rows, metrics: [await harness.metrics.read()] }
  const hits = Object.entries(everything).flatMap(([where, texts]) =>
    texts
      .filter((text) => traces.some((trace) => trace.test(text)) || text.includes(token))
      .map((text) => `${where}: ${text.slice(0, 200)}`),
  )
  expect(hits).toEqual([])
})
