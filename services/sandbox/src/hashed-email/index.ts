import { join } from 'node:path'
import { commonControl } from '../frame/common-control.ts'
import type { Fact, Store } from '../frame/store.ts'
import type { Cell, Stage, Vendor, VendorDefinition } from '../frame/vendor.ts'
import {
  beliefAbout,
  beliefsOf,
  type HashedEmailBelief,
  type HashedEmailControl,
  type HashedEmailFault,
  hashedEmailControlRoutes,
  hashedEmailMisbehaviour,
  type PartnerDefinition,
  type PartnerInfo,
} from './control.ts'
import { createInbox, type Inbox } from './inbox.ts'
import { fingerprint, type KeyPair, keptKeyPair, parsed } from './keys.ts'
import { createPartner } from './partner.ts'
import { agree, hashOf } from './profiles.ts'
import { homeFiles } from './sftp-files.ts'
import { type SftpUser, startSftpServer } from './sftp-server.ts'

export type { HashedEmailBelief, HashedEmailControl, HashedEmailFault, PartnerDefinition, PartnerInfo } from './control.ts'
export type { AckStatus } from './partner.ts'

/** How the partners are set up; everything has a default that works. */
export interface HashedEmailOptions {
  /** Default 0: a free port. */
  readonly sftpPort?: number
  /** The partners of the first day. Default: `partner`, with plain SHA-256 in hex. */
  readonly partners?: readonly PartnerDefinition[]
  /** Public keys (OpenSSH's form) that may sign in beside the demo key. */
  readonly authorizedKeys?: readonly string[]
  /** How long a partner takes over a file, in milliseconds on the sandbox's clock. Default 50. */
  readonly ackDelayMs?: number
}

/** The partners as a connector reaches them. Each signs in under its own name and sees its own `in/` and `ack/`. */
export interface HashedEmail {
  readonly host: string
  readonly port: number
  /** SHA-256 of the host's public key, lowercase hex. */
  readonly hostKeySha256: string
  /** The same for the key that the host shows while `host-key-changed` is on. */
  readonly otherHostKeySha256: string
  /** A key pair that may sign in, made on first start; it opens nothing but this sandbox. */
  readonly clientKey: KeyPair
  readonly control: HashedEmailControl
}

const DEFAULT_PARTNERS: readonly PartnerDefinition[] = [{ name: 'partner', profile: 'plain-sha256-hex' }]
// how often a watched folder is looked at
const WATCH_MS = 100

/** Partners that take hashed addresses in files, over SFTP or a folder, as in part B of the contract sheet. */
export const hashedEmail: VendorDefinition<'hashed-email', HashedEmailOptions, HashedEmail> = { name: 'hashed-email', play }

async function play(stage: Stage, options: HashedEmailOptions): Promise<Vendor<HashedEmail>> {
  const { switches, common } = commonControl<HashedEmailFault>(stage)
  const keys = {
    host: keptKeyPair(stage.folder, 'host-key'),
    otherHost: keptKeyPair(stage.folder, 'other-host-key'),
    client: keptKeyPair(stage.folder, 'client-key'),
  }
  const authorized = [keys.client.publicKey, ...(options.authorizedKeys ?? [])]
  for (const line of authorized) parsed(line)
  const settings = { ackDelayMs: options.ackDelayMs ?? 50 }
  const inboxes = new Map<string, Inbox>()
  const definitions = new Map<string, PartnerDefinition>()
  const restored: Fact[] = []
  const held: { store?: Store } = {}
  const store = (): Store => {
    if (held.store === undefined) throw new Error('asked before it was made')
    return held.store
  }
  held.store = stage.openStore(function* () {
    for (const { partner, facts } of inboxes.values()) {
      yield* partner.facts()
      yield* facts()
    }
  })
  restored.push(...held.store.load())

  const open = (root: string, definition: PartnerDefinition): Inbox => {
    const { name, profile, encoding, knownPeople = [] } = definition
    if (inboxes.has(name)) throw new RangeError(`there is a partner ${name} already`)
    const partner = createPartner(name, agree(profile, encoding), store)
    const inbox = createInbox(root, partner, { stage, switches, store, ackDelayMs: () => settings.ackDelayMs })
    for (const fact of restored) if (!partner.restore(fact)) inbox.restore(fact)
    partner.know(knownPeople)
    inboxes.set(name, inbox)
    definitions.set(name, definition)
    inbox.look()
    return inbox
  }
  const openHome = (definition: PartnerDefinition): Inbox => open(join(stage.folder, 'homes', definition.name), definition)
  for (const definition of options.partners ?? DEFAULT_PARTNERS) openHome(definition)

  const server = await startSftpServer({
    stage,
    switches,
    port: options.sftpPort ?? 0,
    hostKey: keys.host,
    otherHostKey: keys.otherHost,
    authorizedKeys: () => authorized,
    user(name): SftpUser | undefined {
      const inbox = inboxes.get(name)
      return inbox && { name, files: homeFiles(inbox.root), changed: () => inbox.look() }
    },
  })

  const control: HashedEmailControl = {
    ...common,
    partners: () => [...inboxes.values()].map(infoOf),
    addPartner: (definition) => infoOf(openHome(definition)),
    know(addresses, name) {
      const meant = [...inboxes.values()].filter(({ partner }) => name === undefined || partner.name === name)
      if (meant.length === 0) throw new RangeError('there is no such partner')
      for (const { partner } of meant) partner.know(addresses)
    },
    authorize(publicKey) {
      parsed(publicKey)
      authorized.push(publicKey)
    },
    watchFolder(path, definition) {
      const inbox = open(path, definition)
      inbox.watch(WATCH_MS)
      return infoOf(inbox)
    },
    removePartner(name) {
      const inbox = inboxes.get(name)
      inbox?.stop()
      inbox?.partner.clear()
      inboxes.delete(name)
    },
    async idle() {
      for (const inbox of inboxes.values()) {
        inbox.look()
        await inbox.idle()
      }
    },
    configure: ({ ackDelayMs }) => {
      settings.ackDelayMs = ackDelayMs ?? settings.ackDelayMs
    },
    beliefs: () => [...inboxes.values()].flatMap(({ partner }) => beliefsOf(partner)),
    person({ address, hash }) {
      return [...inboxes.values()].flatMap(({ partner }) => beliefAbout(partner, hash ?? hashOf(address ?? '', partner.agreement)) ?? [])
    },
    reset() {
      common.behave()
      common.clearRequests()
      restored.length = 0
      for (const { partner, clear } of inboxes.values()) {
        partner.clear()
        clear()
        partner.know(definitions.get(partner.name)?.knownPeople ?? [])
      }
    },
  }
  const hostKeySha256 = fingerprint(keys.host)
  const api: HashedEmail = {
    host: new URL(stage.origin).hostname,
    port: server.port,
    hostKeySha256,
    otherHostKeySha256: fingerprint(keys.otherHost),
    clientKey: keys.client,
    control,
  }
  return {
    api,
    misbehave: (body) => control.misbehave(hashedEmailMisbehaviour.parse(body)),
    controlRoutes: (router) => {
      const { control: _, ...connection } = api
      hashedEmailControlRoutes(router, control, () => ({ ...connection, partners: control.partners() }))
    },
    page: {
      title: 'Hashed-email partners',
      about: `Partners that take files of hashed addresses by SFTP on port ${server.port}.`,
      get figures() {
        const beliefs = control.beliefs()
        return [
          ['partners', inboxes.size],
          ['suppressed', beliefs.filter(({ suppressed }) => suppressed).length],
          ['known people', beliefs.filter(({ address }) => address !== undefined).length],
        ] as const
      },
      columns: ['Person', 'Partner', 'State', 'Scopes', 'Changed'],
      rows: (limit) => control.beliefs().slice(0, limit).map(beliefCells),
      rowsAbout: (question) => control.person(question).map(beliefCells),
    },
    async stop() {
      await server.stop()
      for (const inbox of inboxes.values()) inbox.stop()
      await store().close()
    },
  }
}

function infoOf({ partner, root }: Inbox): PartnerInfo {
  return { name: partner.name, profile: partner.agreement.profile, encoding: partner.agreement.encoding, folder: root }
}

/** A belief as the page shows it. */
export function beliefCells({ address, hash, partner, suppressed, scopes, changedAt }: HashedEmailBelief): Cell[] {
  return [
    address ?? `hash ${hash.slice(0, 12)}…`,
    partner,
    suppressed ? { badge: 'suppressed', tone: 'stop' } : { badge: 'not suppressed', tone: 'go' },
    scopes.join(', ') || '–',
    changedAt?.slice(0, 19).replace('T', ' ') ?? '–',
  ]
}
