import { type CastApis, type CastKey, cast } from './cast.ts'

/** How each vendor is reached, with what credentials: plain data, by the vendor's key. */
export type Connections = { readonly [Key in CastKey]: Omit<CastApis[Key], 'control'> }

/** The connections of vendors that are being played, as they are now. */
export function connectionsOf(sandbox: CastApis): Connections {
  const connections = Object.fromEntries(
    (Object.keys(cast) as CastKey[]).map((key) => {
      const { control: _, ...connection } = sandbox[key]
      return [key, connection]
    }),
  )
  return connections as Connections
}
