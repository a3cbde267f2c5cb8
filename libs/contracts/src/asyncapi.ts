import { z } from 'zod'
import { type EventType, eventSchemas } from './events.ts'
import { topicsOf } from './topics.ts'

/** Which event types stand on which topic, under the default prefix. */
export function topicContents(): readonly {
  readonly topic: string
  readonly key: string
  readonly summary: string
  readonly types: readonly EventType[]
}[] {
  const topics = topicsOf('heed')
  return [
    {
      topic: topics.preferences,
      key: 'subject id',
      summary: 'Every accepted change, with the whole snapshot after it.',
      types: ['heed.preference.changed.v1'],
    },
    {
      topic: 'heed.deliveries.{recipient}.v1',
      key: 'subject id',
      summary: 'What one recipient must hold about each subject.',
      types: ['heed.delivery.requested.v1'],
    },
    { topic: topics.outcomes, key: 'subject id', summary: 'What each attempt came to.', types: ['heed.delivery.attempted.v1'] },
    {
      topic: topics.acts,
      key: 'subject id, or the id of what was acted upon',
      summary: 'Acts that belong in the trail and are no change and no outcome.',
      types: [
        'heed.disclosure.made.v1',
        'heed.link.made.v1',
        'heed.link.used.v1',
        'heed.identifiers.linked.v1',
        'heed.subject.erased.v1',
        'heed.suppressions.imported.v1',
        'heed.disclosure.reported.v1',
        'heed.operator.acted.v1',
        'heed.policy.loaded.v1',
        'heed.configuration.changed.v1',
        'heed.journal.counted.v1',
      ],
    },
    {
      topic: topics.controls,
      key: 'recipient id or delivery id',
      summary: 'What operators tell connectors; the newest record of a key counts.',
      types: ['heed.recipient.paused.v1', 'heed.delivery.resolved.v1'],
    },
    {
      topic: topics.callbacks,
      key: 'job id',
      summary: 'What recipients reported by themselves about work that they had taken.',
      types: ['heed.job.reported.v1'],
    },
    {
      topic: topics.checkpoints,
      key: 'origin of the log',
      summary:
        'Every checkpoint that the log of the trail signed, for ever: whoever keeps a copy sees whether the log was rewritten or rolled back.',
      types: ['heed.checkpoint.signed.v1'],
    },
    {
      topic: topics.deadLetters,
      key: 'topic, partition and offset',
      summary: 'Records that could not be read.',
      types: ['heed.record.unreadable.v1'],
    },
  ]
}

/** The AsyncAPI 3.0 document of all topics, made from the schemas that check every record. Deterministic. */
export function asyncApiDocument(): unknown {
  const contents = topicContents()
  const name = (type: string) => type.replaceAll('.', '_')
  const channelName = (topic: string) => topic.replace(/\{(\w+)\}/g, '$1').replaceAll('.', '_')
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Heed: topics',
      version: '1',
      description:
        'Keys and values are UTF-8 text; values are JSON. Headers are CloudEvents attributes in the binary mode of its Kafka binding, plus traceparent.',
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      contents.map(({ topic, key, summary, types }) => [
        channelName(topic),
        {
          address: topic,
          summary,
          description: `Key: ${key}.`,
          ...(topic.includes('{recipient}')
            ? { parameters: { recipient: { description: 'The id of a recipient in the policy file.' } } }
            : {}),
          messages: Object.fromEntries(types.map((type) => [name(type), { $ref: `#/components/messages/${name(type)}` }])),
        },
      ]),
    ),
    operations: Object.fromEntries(
      contents.map(({ topic }) => [
        `read_${channelName(topic)}`,
        { action: 'receive', channel: { $ref: `#/channels/${channelName(topic)}` } },
      ]),
    ),
    components: {
      messages: Object.fromEntries(
        Object.entries(eventSchemas).map(([type, schema]) => [
          name(type),
          {
            name: type,
            contentType: 'application/json',
            headers: headersSchema,
            payload: z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }),
          },
        ]),
      ),
    },
  }
}

const headersSchema = {
  type: 'object',
  required: ['ce_specversion', 'ce_id', 'ce_type', 'ce_source', 'ce_time'],
  properties: {
    ce_specversion: { const: '1.0' },
    ce_id: { type: 'string' },
    ce_type: { type: 'string' },
    ce_source: { type: 'string' },
    ce_time: { type: 'string', format: 'date-time' },
    ce_subject: { type: 'string' },
    traceparent: { type: 'string' },
  },
}
