import type { ResolveIdentifiersResponse__Output } from '@heed/contracts/gen/heed/identifiers/v1/ResolveIdentifiersResponse.ts'
import type { DeliveryId } from '@heed/domain'
import { describe, expect, it } from 'vitest'
import { grpcDirectory, type IdentifierClient } from './identifiers.ts'
import { recipient, subject } from './testing.fixture.ts'

const item = (name: string) => ({ subjectId: subject(name), deliveryId: `${recipient()}/${subject(name)}/1` as DeliveryId })

function service(
  mend: (subjects: { subjectId: string }[]) => { subjectId: string }[] = (subjects) => subjects,
): IdentifierClient & { sizes: number[] } {
  const sizes: number[] = []
  return {
    sizes,
    resolveIdentifiers: async ({ items = [] }) => {
      sizes.push(items.length)
      const subjects = items.map(({ subjectId = '' }) => ({
        subjectId,
        standing: 'SUBJECT_STANDING_ACTIVE' as const,
        newestVersion: 3,
        identifiers: [
          { kind: 'IDENTIFIER_KIND_EMAIL' as const, form: 'raw', value: `${subjectId}@example.org` },
          { kind: 'IDENTIFIER_KIND_UNSPECIFIED' as const, form: 'raw', value: 'of a kind that is not known here' },
        ],
      }))
      return { subjects: mend(subjects) } as ResolveIdentifiersResponse__Output
    },
  }
}

describe('the directory of identifiers', () => {
  it('gives what the service gives, without kinds that nobody knows', async () => {
    expect(await grpcDirectory(service()).resolve(recipient(), [item('ada')])).toEqual([
      { standing: 'active', newestVersion: 3, identifiers: [{ kind: 'email', form: 'raw', value: `${subject('ada')}@example.org` }] },
    ])
  })

  it('asks in several calls for very many', async () => {
    const client = service()
    const resolved = await grpcDirectory(client).resolve(
      recipient(),
      Array.from({ length: 12_000 }, (_, index) => item(`p${index}`)),
    )
    expect(resolved).toHaveLength(12_000)
    expect(client.sizes).toEqual([5_000, 5_000, 2_000])
  })

  it('never takes one subject’s address for another’s', async () => {
    const both = [item('ada'), item('bob')]
    await expect(grpcDirectory(service((subjects) => subjects.reverse())).resolve(recipient(), both)).rejects.toThrow('another order')
    await expect(grpcDirectory(service((subjects) => subjects.slice(1))).resolve(recipient(), both)).rejects.toThrow('other subjects')
  })
})
