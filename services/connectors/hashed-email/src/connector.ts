import type { Connector } from '@heed/connector-kit'
import type { Driver } from './driver.ts'
import { fileDriver } from './file-driver.ts'
import { liveIntentDriver } from './liveintent.ts'
import { liveRampDriver } from './liveramp.ts'
import { optizmoDriver } from './optizmo.ts'
import { type HashedEmailSettings, parseSettings } from './settings.ts'

/** The driver that a partner's settings ask for. */
export function driverOf(settings: HashedEmailSettings): Driver {
  switch (settings.transport) {
    case 'sftp':
    case 'folder':
    case 's3':
      return fileDriver(settings)
    case 'liveramp':
      return liveRampDriver(settings)
    case 'liveintent':
      return liveIntentDriver(settings)
    case 'optizmo':
      return optizmoDriver(settings)
    default:
      return settings satisfies never
  }
}

/** Partners to whom a person's address stands for the person: files of hashes that we and they agreed on, or the interface that the partner has for opt-outs. */
export const hashedEmail: Connector<HashedEmailSettings> = {
  descriptor: (settings) => driverOf(settings).descriptor,
  parseSettings,
  account: (settings) => driverOf(settings).account,
  connect: (settings, tools) => driverOf(settings).connect(tools),
  plan: (tasks, settings, batch) => driverOf(settings).plan(tasks, batch),
  interpret: (request, answer, settings) => driverOf(settings).interpret(request, answer),
  follow: (job, covers, settings) => driverOf(settings).follow(job, covers),
}
