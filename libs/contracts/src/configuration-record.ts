import { encodeEvent, type WireRecord } from './envelope.ts'

/** The act that a service runs with other settings than before. `id` is the service's own for this change, the same however often it is told. */
export function configurationChangedRecord(
  service: string,
  { id, settings }: { readonly id: string; readonly settings: Readonly<Record<string, string>> },
  at: number,
): WireRecord {
  const actId = `${service}/${id}`
  const data = { actId, at, by: service, service, settings: { ...settings } }
  return encodeEvent('heed.configuration.changed.v1', actId, data, { id: actId, source: service, time: at })
}
