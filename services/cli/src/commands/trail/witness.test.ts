import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  EMPTY_EDGE,
  edgeFrontier,
  extendEdge,
  formatCheckpoint,
  formatNote,
  frontierRoot,
  generateSignerKey,
  leafHash,
  memoryTiles,
  parseTilePath,
  signNote,
  verifierOf,
  verifyCheckpoint,
} from '@heed/merkle-log'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lookOnce } from './witness.ts'

const origin = 'example.com/trail'
const logKey = generateSignerKey(origin, 'ed25519')
const key = generateSignerKey('witness.example.net', 'cosignature-v1')
const keys = [verifierOf(logKey)]

/** What a log of these entries serves. */
function logOf(entries: readonly string[]) {
  const store = memoryTiles()
  const { edge, tiles } = extendEdge(
    EMPTY_EDGE,
    entries.map((entry) => leafHash(Buffer.from(entry))),
  )
  store.write(tiles)
  const body = formatCheckpoint({ origin, size: edge.size, rootHash: frontierRoot(edgeFrontier(edge)), extensions: [] })
  return { note: formatNote(signNote(body, [logKey])), readTiles: store.readTiles }
}

const entries = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `entry ${from + at}`)

let server: Server
let url: string
let folder: string
let state: string
let served: ReturnType<typeof logOf>
let cosigned: string[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heed-witness-'))
  state = join(folder, 'witness.json')
  cosigned = []
  server = createServer((request, response) => {
    const path = (request.url ?? '').slice(1)
    if (request.method === 'POST') {
      let body = ''
      request.on('data', (part: Buffer) => {
        body += part.toString()
      })
      request.on('end', () => {
        cosigned.push(body)
        response.end()
      })
    } else if (path === 'checkpoint') response.end(served.note)
    else
      served.readTiles([parseTilePath(path)]).then(
        ([bytes]) => response.end(Buffer.from(bytes ?? []).subarray(0, parseTilePath(path).width * 32)),
        () => response.writeHead(404).end(),
      )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

const look = () => lookOnce({ url, state, key, keys, nowMs: 1_772_357_400_000 })

describe('a witness', () => {
  it('cosigns what grows, and gives the cosignature back', async () => {
    for (const size of [3, 300, 300, 1_000]) {
      served = logOf(entries(size))
      expect(await look()).toEqual({ kind: 'cosigned', size, taken: true })
      const policy = { origin, logKeys: keys, witnessKeys: [verifierOf(key)], minWitnesses: 1 }
      expect(verifyCheckpoint(cosigned.at(-1) ?? '', policy)).toMatchObject({ ok: true, witnessedBy: [{ atSeconds: 1_772_357_400 }] })
    }
    expect(JSON.parse(readFileSync(state, 'utf8'))).toMatchObject({ origin, size: 1_000 })
  })

  it.each<[string, () => void, RegExp]>([
    [
      'was rolled back',
      () => {
        served = logOf(entries(200))
      },
      /had 300 entries and now shows 200/,
    ],
    [
      'was rewritten and has grown',
      () => {
        served = logOf(['another', ...entries(499, 1)])
      },
      /was rewritten or forked/,
    ],
    [
      'shows another tree of the same size',
      () => {
        served = logOf(['another', ...entries(299, 1)])
      },
      /was rewritten or forked/,
    ],
    [
      'is signed by another key',
      () => {
        served = {
          ...served,
          note: formatNote(
            signNote(`${origin}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`, [generateSignerKey(origin, 'ed25519')]),
          ),
        }
      },
      /not signed by its key/,
    ],
  ])('raises the alarm, and signs nothing, at a log that %s', async (_, tamper, words) => {
    served = logOf(entries(300))
    await look()
    const before = readFileSync(state, 'utf8')
    tamper()
    expect(await look()).toMatchObject({ kind: 'alarm', detail: expect.stringMatching(words) })
    expect(cosigned).toHaveLength(1)
    expect(readFileSync(state, 'utf8')).toBe(before)
  })

  it('says that the log cannot be read, and waits, where it is away or holds back its tiles', async () => {
    served = logOf(entries(3))
    await look()
    served = { ...logOf(entries(400)), readTiles: () => Promise.reject(new Error('gone')) }
    expect(await look()).toMatchObject({ kind: 'unreachable' })
    server.close()
    server.closeAllConnections()
    expect(await look()).toMatchObject({ kind: 'unreachable' })
  })

  it('does not begin anew over a memory that it cannot read, or that is of another log', async () => {
    served = logOf(entries(3))
    writeFileSync(state, '{')
    await expect(look()).rejects.toThrow(/is damaged/)
    writeFileSync(state, JSON.stringify({ origin: 'other', size: 1, rootHash: '', note: '' }))
    await expect(look()).rejects.toThrow(/memory of another log/)
  })
})
