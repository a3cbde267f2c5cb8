import { systemClock } from '@heed/platform/clock'
import { type CallerAdministration, type CallerRow, mongoCallers } from '@heed/platform/grpc'
import { silentLogger } from '@heed/platform/log'
import { connectMongo } from '@heed/platform/mongo'
import type { CommandContext } from '../context.ts'
import { exitCodes, InputError } from '../failures.ts'
import { hubAddresses } from '../hub-file.ts'

/** Who may call. It works on the database itself, so that the first caller can be made before anybody may call. */
async function withCallers<T>(context: CommandContext, use: (callers: CallerAdministration) => Promise<T>): Promise<T> {
  const { mongoUri, dbPrefix } = hubAddresses(context.env)
  if (mongoUri === undefined) throw new InputError('no database: set MONGODB_URI, or start the hub in this folder (`npm start`)')
  const mongo = await connectMongo({ uri: mongoUri, appName: 'heed-cli', log: silentLogger })
  try {
    return await use(mongoCallers(mongo.database(`${dbPrefix}_callers`).collection<CallerRow>('callers'), systemClock))
  } finally {
    await mongo.stop()
  }
}

/** Makes a caller and prints its key, the only time that it is shown. */
export async function addCaller(context: CommandContext, id: string, scopes: readonly string[], ratePerSecond?: number): Promise<number> {
  const { key } = await withCallers(context, (callers) =>
    callers.addCaller({ id, scopes, ...(ratePerSecond === undefined ? {} : { ratePerSecond }) }),
  )
  context.output.document({ id, key })
  context.output.line(`${key}\n\nthis is the only time that the key is shown; send it as \`authorization: Bearer <key>\``)
  return exitCodes.done
}

/** Who may call, and what. */
export async function listCallers(context: CommandContext): Promise<number> {
  const callers = await withCallers(context, (administration) => administration.listCallers())
  context.output.document(
    callers.map(({ id, scopes, createdAt, revokedAt, keys }) => ({ id, scopes, createdAt, revokedAt, keys: keys.length })),
  )
  context.output.table(
    ['caller', 'scopes', 'keys', 'since', 'state'],
    callers.map(({ id, scopes, keys, createdAt, revokedAt }) => [
      id,
      scopes.join('\n'),
      String(keys.length),
      new Date(createdAt).toISOString().slice(0, 19),
      revokedAt === undefined ? 'active' : `revoked ${new Date(revokedAt).toISOString().slice(0, 19)}`,
    ]),
  )
  return exitCodes.done
}

/** A new key for a caller; the old ones work for the grace time still. */
export async function rotateCaller(context: CommandContext, id: string, graceHours: number): Promise<number> {
  const { key } = await withCallers(context, (callers) => callers.rotateCaller(id, graceHours * 3_600_000))
  context.output.document({ id, key })
  context.output.line(`${key}\n\nthe old key works for ${graceHours} h still`)
  return exitCodes.done
}

/** No key of the caller is accepted any more. */
export async function revokeCaller(context: CommandContext, id: string): Promise<number> {
  await withCallers(context, (callers) => callers.revokeCaller(id))
  context.output.document({ id, revoked: true })
  context.output.line(`${id} is revoked; services notice within a few seconds`)
  return exitCodes.done
}
