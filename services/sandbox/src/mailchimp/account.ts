import { createHash } from 'node:crypto'
import type { Fact, Store } from '../frame/store.ts'

/** A member's status; `archived` is only ever answered, never taken. */
export type Status = 'subscribed' | 'unsubscribed' | 'cleaned' | 'pending' | 'transactional' | 'archived'

/** Why the vendor itself holds a contact back: the person left on their own, mail bounced, or a compliance review. */
export type Hold = 'unsubscribed' | 'bounce' | 'review'

/** One contact of one audience. */
export interface Member {
  /** MD5 of the lowercase address. */
  readonly hash: string
  readonly email: string
  readonly status: Status
  readonly emailType: 'html' | 'text'
  readonly mergeFields: Readonly<Record<string, unknown>>
  /** By interest id; an id that is not here is `false`. */
  readonly interests: Readonly<Record<string, boolean>>
  /** By marketing permission id. */
  readonly permissions: Readonly<Record<string, boolean>>
  readonly tags: readonly string[]
  readonly hold?: Hold | undefined
  readonly unsubscribeReason?: string | undefined
  /** Milliseconds since the epoch, on the sandbox's clock. */
  readonly createdAt: number
  readonly changedAt: number
}

/** How an audience is set up; ids that are left out are made from the names. */
export interface AudienceDefinition {
  readonly id?: string
  readonly name: string
  readonly doubleOptIn?: boolean
  /** Merge tags that every contact must have a value for. */
  readonly requiredMergeFields?: readonly string[]
  readonly interests?: readonly (string | Named)[]
  readonly marketingPermissions?: readonly string[]
}

export interface Named {
  readonly id: string
  readonly name: string
}

/** An audience (the API's "list") with its own contacts. */
export interface Audience extends Named {
  readonly doubleOptIn: boolean
  readonly requiredMergeFields: readonly string[]
  /** The one interest category, with its interests. */
  readonly category: Named & { readonly interests: readonly Named[] }
  readonly permissions: readonly Named[]
  readonly members: Map<string, Member>
  /** Hashes of contacts that were deleted for good. */
  readonly forgotten: Set<string>
  /** Hashes in the order of their last change, newest last, at most a few hundred. */
  readonly recent: string[]
}

/** The account: its audiences, and the only way to change a contact, so that nothing is changed without being kept. */
export interface Account {
  readonly audiences: ReadonlyMap<string, Audience>
  addAudience(definition: AudienceDefinition): Audience
  save(audience: Audience, member: Member): void
  /** Takes a contact out without a trace (its address changed). */
  drop(audience: Audience, hash: string): void
  /** Takes a contact out for good: it cannot be added again. */
  forget(audience: Audience, hash: string): void
  facts(): Iterable<Fact>
  /** Takes over a fact of an earlier run; `false` when it is not of this part. */
  restore(fact: Fact): boolean
  /** Forgets all contacts; the audiences stay. */
  clear(): void
}

const REMEMBERED = 200

/** MD5 in lowercase hex of the trimmed lowercase address: the vendor's key of a contact. */
export function subscriberHash(email: string): string {
  return md5(email.trim().toLowerCase())
}

/** An id of the given number of hex characters that always belongs to this name. */
export function idOf(name: string, length = 10): string {
  return md5(name).slice(0, length)
}

/** The contact's id across audiences, which webhooks call `data[id]`. */
export function uniqueEmailId(hash: string): string {
  return idOf(`unique/${hash}`)
}

function md5(text: string): string {
  return createHash('md5').update(text, 'utf8').digest('hex')
}

/** An account with these audiences; every change goes to the store. */
export function createAccount(definitions: readonly AudienceDefinition[], store: () => Store): Account {
  const audiences = new Map<string, Audience>()

  const addAudience = (definition: AudienceDefinition): Audience => {
    const id = definition.id ?? idOf(`audience/${definition.name}`)
    const known = audiences.get(id)
    const audience: Audience = {
      ...describe(id, definition),
      members: known?.members ?? new Map(),
      forgotten: known?.forgotten ?? new Set(),
      recent: known?.recent ?? [],
    }
    audiences.set(id, audience)
    return audience
  }
  const remember = (audience: Audience, hash: string): void => {
    audience.recent.push(hash)
    if (audience.recent.length > 2 * REMEMBERED) audience.recent.splice(0, REMEMBERED)
  }
  for (const definition of definitions) addAudience(definition)

  return {
    audiences,
    addAudience(definition) {
      const audience = addAudience(definition)
      store().put('audience', audience.id, definition)
      return audience
    },
    save(audience, member) {
      // only the person can bring a forgotten address back, and then it is forgotten no longer
      if (audience.forgotten.delete(member.hash)) store().remove('forgotten', `${audience.id}/${member.hash}`)
      audience.members.set(member.hash, member)
      remember(audience, member.hash)
      store().put('member', `${audience.id}/${member.hash}`, member)
    },
    drop(audience, hash) {
      audience.members.delete(hash)
      store().remove('member', `${audience.id}/${hash}`)
    },
    forget(audience, hash) {
      audience.members.delete(hash)
      audience.forgotten.add(hash)
      remember(audience, hash)
      store().remove('member', `${audience.id}/${hash}`)
      store().put('forgotten', `${audience.id}/${hash}`, true)
    },
    *facts() {
      for (const audience of audiences.values()) {
        yield ['audience', audience.id, definitionOf(audience)]
        for (const member of audience.members.values()) yield ['member', `${audience.id}/${member.hash}`, member]
        for (const hash of audience.forgotten) yield ['forgotten', `${audience.id}/${hash}`, true]
      }
    },
    restore([kind, id, value]) {
      if (kind === 'audience') {
        addAudience(value as AudienceDefinition)
        return true
      }
      if (kind !== 'member' && kind !== 'forgotten') return false
      const [listId = '', hash = ''] = id.split('/')
      const audience = audiences.get(listId)
      if (audience === undefined) return true
      if (kind === 'forgotten') audience.forgotten.add(hash)
      else audience.members.set(hash, value as Member)
      remember(audience, hash)
      return true
    },
    clear() {
      for (const [kind, id] of this.facts()) if (kind !== 'audience') store().remove(kind, id)
      for (const { members, forgotten, recent } of audiences.values()) {
        members.clear()
        forgotten.clear()
        recent.length = 0
      }
    },
  }
}

function describe(id: string, definition: AudienceDefinition): Omit<Audience, 'members' | 'forgotten' | 'recent'> {
  const named = (kind: string, name: string): Named => ({ id: idOf(`${kind}/${id}/${name}`), name })
  return {
    id,
    name: definition.name,
    doubleOptIn: definition.doubleOptIn ?? false,
    requiredMergeFields: definition.requiredMergeFields ?? [],
    category: {
      ...named('category', 'Topics'),
      interests: (definition.interests ?? []).map((interest) => (typeof interest === 'string' ? named('interest', interest) : interest)),
    },
    permissions: (definition.marketingPermissions ?? []).map((name) => named('permission', name)),
  }
}

function definitionOf(audience: Audience): AudienceDefinition {
  return {
    id: audience.id,
    name: audience.name,
    doubleOptIn: audience.doubleOptIn,
    requiredMergeFields: audience.requiredMergeFields,
    interests: audience.category.interests,
    marketingPermissions: audience.permissions.map(({ name }) => name),
  }
}
