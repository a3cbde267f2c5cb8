import { randomBytes } from 'node:crypto'
import { silentLogger } from '../../log/index.ts'
import { type ConsumedRecord, connectKafka, type Kafka } from '../index.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'

/** A name that no other test uses. */
export const freshName = (part: string): string => `platform-${part}-${randomBytes(6).toString('hex')}`

/** A handle on the broker of the run. */
export const directKafka = (brokers: string): Kafka =>
  connectKafka({ brokers: brokers.split(','), clientId: 'platform-test', log: silentLogger })

/** A handle whose every connection goes through a proxy. */
export async function proxiedKafka(brokers: string): Promise<{ kafka: Kafka; proxy: FaultProxy; stop(): Promise<void> }> {
  const [host = '', port = ''] = (brokers.split(',')[0] ?? '').split(':')
  const proxy = await faultProxy({ host, port: Number(port) })
  const kafka = connectKafka({
    brokers: [`127.0.0.1:${proxy.port}`],
    clientId: 'platform-test',
    log: silentLogger,
    route: () => ({ host: '127.0.0.1', port: proxy.port }),
  })
  return {
    kafka,
    proxy,
    stop: async () => {
      proxy.set('forward')
      await kafka.stop()
      await proxy.stop()
    },
  }
}

/** What a topic holds, by partition, in order. */
export async function contentOf(kafka: Kafka, topic: string): Promise<Map<number, ConsumedRecord[]>> {
  const content = new Map<number, ConsumedRecord[]>()
  await kafka.replay({
    topics: [topic],
    from: 'start',
    handle: async ({ partition, records }) => {
      content.set(partition, [...(content.get(partition) ?? []), ...records])
    },
  })
  return content
}
