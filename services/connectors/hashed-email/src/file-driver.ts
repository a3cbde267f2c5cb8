import {
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
import { type Driver, nothingToSend } from './driver.ts'
import type { FileSettings } from './settings.ts'
import { rowsOf, shareFile } from './share-file.ts'

const docs: Readonly<Record<FileSettings['transport'], string>> = {
  sftp: 'https://github.com/mscdex/ssh2',
  folder: 'https://nodejs.org/api/fs.html',
  s3: 'https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html',
}

/**
 * Partners that take hashed addresses in files, over SFTP, in a bucket or in a folder: a delta for each window, a full file first and now and then, each with a
 * manifest that is written last, and an ack file by which the partner answers late. What the partner acknowledged is confirmed.
 */
export function fileDriver(settings: FileSettings): Driver {
  return {
    descriptor: { name: 'hashed-email', docs: docs[settings.transport], identifiers: ['email'], ...feedDescriptor(settings) },
    account: feedAccount(settings),
    connect: ({ credentials }) => fileTransport(feedStore(settings, credentials)),

    plan(tasks, batch) {
      const saysSomething = (task: Task) => rowsOf(task, settings.hashProfile, batch.extent).length > 0
      const [told, untold]: [Task[], Task[]] = [[], []]
      for (const task of tasks) (saysSomething(task) ? told : untold).push(task)
      const nothing = untold.map(
        ({ deliveryId, identifiers }): NothingToSend =>
          nothingToSend(
            deliveryId,
            identifiers.some(({ form }) => form === settings.hashProfile)
              ? 'not-applicable.nothing-held-there'
              : 'not-applicable.no-identifier',
          ),
      )
      // all of a delta's tasks may have nothing to say: then no file goes, unless it is a heartbeat or a full one, which says so by its emptiness
      if (told.length === 0 && tasks.length > 0 && batch.extent === 'delta') return nothing
      const { file, rows } = shareFile(told, settings, batch)
      const put = putFile(file, settings, batch, {
        covers: told.map(({ deliveryId }) => deliveryId),
        rows: rows.map(({ deliveryId }) => deliveryId),
      })
      return [...nothing, put]
    },

    interpret: (request, answer) => interpretFile(request, answer, settings),
    follow: (job, covers) => readAck(job, covers, settings),
  }
}
