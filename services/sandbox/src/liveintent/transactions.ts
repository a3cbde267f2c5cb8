import { randomUUID } from 'node:crypto'
import type { Fact, Store } from '../frame/store.ts'
import type { KnownPeople } from './people.ts'

export type Action = 'RESTRICT' | 'ERASURE'
export type TransactionStatus = 'ACCEPTED' | 'PENDING' | 'COMPLETED' | 'FAILED'

/** A data subject request as LiveIntent keeps it. */
export interface Transaction {
  readonly transactionId: string
  readonly action: Action
  /** E.g. `Advertiser/1`. */
  readonly scope: string
  readonly jurisdiction: string | null
  readonly submitter: string | null
  readonly emailHashes: readonly string[]
  readonly createdAt: string
  status: TransactionStatus
}

/** What LiveIntent believes about one person, or about the hashes of somebody whom it does not know. */
export interface LiveintentBelief {
  readonly address?: string
  readonly hashes: readonly string[]
  readonly scope: string
  readonly restricted: boolean
  readonly erased: boolean
  /** How often it was asked for: a repeat changes nothing, and is one more. */
  readonly transactions: number
}

/** All transactions. */
export interface Transactions {
  open(given: Omit<Transaction, 'transactionId' | 'createdAt' | 'status'>): Transaction
  find(transactionId: string): Transaction | undefined
  underWay(): Transaction[]
  changed(transaction: Transaction): void
  beliefs(): LiveintentBelief[]
  about(hashes: readonly string[]): LiveintentBelief[]
  facts(): Iterable<Fact>
  restore(fact: Fact): boolean
  clear(): void
}

/** No transactions yet. Hashes of one request are one person's from then on. */
export function createTransactions(now: () => number, people: KnownPeople, store: () => Store): Transactions {
  const all = new Map<string, Transaction>()
  const changed = (transaction: Transaction): void => store().put('transaction', transaction.transactionId, transaction)

  const beliefs = (): LiveintentBelief[] => {
    const persons: { hashes: Set<string>; scope: string; own: Transaction[] }[] = []
    for (const transaction of all.values()) {
      const found = persons.find(
        ({ hashes, scope }) => scope === transaction.scope && transaction.emailHashes.some((hash) => hashes.has(hash)),
      )
      if (found === undefined) persons.push({ hashes: new Set(transaction.emailHashes), scope: transaction.scope, own: [transaction] })
      else {
        for (const hash of transaction.emailHashes) found.hashes.add(hash)
        found.own.push(transaction)
      }
    }
    return persons.map(({ hashes, scope, own }) => {
      const known = [...hashes].map((hash) => people.recognise(hash)).find((one) => one.kind === 'known')
      const done = (action: Action): boolean => own.some((one) => one.action === action && one.status === 'COMPLETED')
      return {
        ...(known?.kind === 'known' ? { address: known.address } : {}),
        hashes: [...hashes].sort(),
        scope,
        restricted: done('RESTRICT'),
        erased: done('ERASURE'),
        transactions: own.length,
      }
    })
  }

  return {
    open(given) {
      const transaction: Transaction = {
        ...given,
        transactionId: randomUUID(),
        createdAt: new Date(now()).toISOString(),
        status: 'ACCEPTED',
      }
      all.set(transaction.transactionId, transaction)
      changed(transaction)
      return transaction
    },
    find: (transactionId) => all.get(transactionId),
    underWay: () => [...all.values()].filter(({ status }) => status === 'ACCEPTED' || status === 'PENDING'),
    changed,
    beliefs,
    about: (hashes) => beliefs().filter((belief) => belief.hashes.some((hash) => hashes.includes(hash))),
    *facts() {
      for (const transaction of all.values()) yield ['transaction', transaction.transactionId, transaction]
    },
    restore([kind, id, value]) {
      if (kind !== 'transaction') return false
      all.set(id, value as Transaction)
      return true
    },
    clear() {
      for (const id of all.keys()) store().remove('transaction', id)
      all.clear()
    },
  }
}
