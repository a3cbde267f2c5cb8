import {
  type Connector,
  feedAccount,
  feedDescriptor,
  feedStore,
  fileTransport,
  interpretFile,
  type NothingToSend,
  putFile,
  readAck,
  type Task,
} from '@heed/connector-kit'
import { type HashedEmailSettings, parseSettings } from './settings.ts'
import { rowsOf, shareFile } from './share-file.ts'

/**
 * Partners that take hashed addresses in files: a delta for each window, a full file first and now and then, each with a manifest that is written last, and an
 * ack file by which the partner answers late. What the partner acknowledged is confirmed.
 */
export const hashedEmail: Connector<HashedEmailSettings> = {
  descriptor: (settings) => ({
    name: 'hashed-email',
    docs: 'https://github.com/mscdex/ssh2',
    identifiers: ['email'],
    ...feedDescriptor(settings),
  }),
  parseSettings,
  account: feedAccount,
  connect: (settings, { credentials }) => fileTransport(feedStore(settings, credentials)),

  plan(tasks, settings, batch) {
    const saysSomething = (task: Task) => rowsOf(task, settings.hashProfile, batch.extent).length > 0
    const [told, untold]: [Task[], Task[]] = [[], []]
    for (const task of tasks) (saysSomething(task) ? told : untold).push(task)
    const nothing = untold.map(({ deliveryId, identifiers }): NothingToSend => {
      const reason = identifiers.some(({ form }) => form === settings.hashProfile)
        ? 'not-applicable.nothing-held-there'
        : 'not-applicable.no-identifier'
      return { via: 'nothing', covers: [deliveryId], outcome: { kind: 'notApplicable', reason } }
    })
    // all of a delta's tasks may have nothing to say: then no file goes, unless it is a heartbeat or a full one, which says so by its emptiness
    if (told.length === 0 && tasks.length > 0 && batch.extent === 'delta') return nothing
    const { file, rows } = shareFile(told, settings, batch)
    const put = putFile(file, settings, batch, {
      covers: told.map(({ deliveryId }) => deliveryId),
      rows: rows.map(({ deliveryId }) => deliveryId),
    })
    return [...nothing, put]
  },

  interpret: interpretFile,
  follow: readAck,
}
