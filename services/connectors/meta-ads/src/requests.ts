import { createHash } from 'node:crypto'
import type { BatchContext, HttpRequest } from '@heed/connector-kit'
import type { DeliveryId } from '@heed/domain'
import { type Row, schema } from './rows.ts'
import type { MetaAdsSettings } from './settings.ts'

/** A person and her rows. */
export interface Person {
  readonly deliveryId: DeliveryId
  readonly rows: readonly Row[]
}

interface Part {
  readonly covers: DeliveryId[]
  readonly rows: Row[]
}

/** Parts of at most so many rows, each as full as it can be. A person is cut only where she alone has more rows than that. */
function partsOf(people: readonly Person[], limit: number): Part[] {
  const parts: Part[] = []
  let open: Part = { covers: [], rows: [] }
  const close = () => {
    if (open.rows.length > 0) parts.push(open)
    open = { covers: [], rows: [] }
  }
  for (const { deliveryId, rows } of people) {
    if (open.rows.length + rows.length > limit) close()
    for (let from = 0; from < rows.length; from += limit) {
      const some = rows.slice(from, from + limit)
      if (open.rows.length + some.length > limit) close()
      open.covers.push(deliveryId)
      open.rows.push(...some)
    }
  }
  close()
  return parts
}

/** A session's number: ours to choose, the same for the same batch, and unlike any other of the ad account. It stays below 2^53, where JSON's numbers end. */
function sessionIdOf(target: string, people: readonly Person[], batch: BatchContext): number {
  const named = createHash('sha256').update(`${target} ${batch.openedAt} ${people.map(({ deliveryId }) => deliveryId).join(' ')}`)
  return named.digest().readUIntBE(0, 6) + 1
}

interface Target {
  readonly name: 'users.remove' | 'audience.remove' | 'audience.add'
  readonly method: 'DELETE' | 'POST'
  readonly path: string
}

function requestsTo(
  { name, method, path }: Target,
  people: readonly Person[],
  settings: MetaAdsSettings,
  batch: BatchContext,
): HttpRequest[] {
  const parts = partsOf(people, settings.rowsPerRequest)
  const total = parts.reduce((sum, { rows }) => sum + rows.length, 0)
  // one change in several requests is told to belong together
  const sessionId = parts.length > 1 ? sessionIdOf(`${method} ${path}`, people, batch) : undefined
  const byPost = method === 'DELETE' && settings.deleteBy === 'post'
  return parts.map(({ covers, rows }, index) => ({
    via: 'http',
    intent: 'assert',
    name,
    method: byPost ? 'POST' : method,
    path,
    covers,
    note: { rows: rows.length },
    body: {
      json: {
        ...(byPost ? { method } : {}),
        payload: { schema, data: rows },
        ...(sessionId === undefined
          ? {}
          : {
              session: {
                session_id: sessionId,
                batch_seq: index + 1,
                last_batch_flag: index === parts.length - 1,
                estimated_num_total: total,
              },
            }),
      },
    },
  }))
}

/** The requests that take people out: of every audience of the ad account by one call, or of each that is listed. */
export function removals(people: readonly Person[], settings: MetaAdsSettings, batch: BatchContext): HttpRequest[] {
  const targets: Target[] =
    settings.removeFrom === 'any-audience'
      ? [{ name: 'users.remove', method: 'DELETE', path: `/act_${settings.adAccount}/usersofanyaudience` }]
      : settings.audiences.map((audience) => ({ name: 'audience.remove', method: 'DELETE', path: `/${audience}/users` }))
  return targets.flatMap((target) => requestsTo(target, people, settings, batch))
}

/** The requests that put people into each listed audience. */
export function additions(people: readonly Person[], settings: MetaAdsSettings, batch: BatchContext): HttpRequest[] {
  return settings.audiences.flatMap((audience) =>
    requestsTo({ name: 'audience.add', method: 'POST', path: `/${audience}/users` }, people, settings, batch),
  )
}
