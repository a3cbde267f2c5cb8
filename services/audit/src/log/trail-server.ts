import { HASH_BYTES, MerkleLogError, parseEntriesPath, parseTilePath, TILE_WIDTH } from '@heed/merkle-log'
import { createApp, type HttpProblem, type HttpServer, httpServer, problem } from '@heed/platform/http'
import type { Logger } from '@heed/platform/log'
import { type LogReader, type LogStore, readBundles } from '@heed/trail'
import express, { type Response } from 'express'
import { addCosignatures } from './cosignatures.ts'
import type { LogSettings } from './keeper.ts'

/** What the server answers from. */
export interface TrailServerOptions {
  readonly port: number
  readonly store: LogStore
  readonly reader: LogReader
  readonly settings: LogSettings
  readonly log: Logger
}

/**
 * The log over HTTP as C2SP tlog-tiles has it: `/checkpoint`, `/tile/<level>/<index>[.p/<width>]`, `/tile/entries/<index>[.p/<width>]`; and `POST /cosignatures`, where a
 * witness leaves a checkpoint with its cosignature. No entry names anybody, so that reading needs no right.
 */
export function trailServer({ port, store, reader, settings, log }: TrailServerOptions): HttpServer {
  const app = createApp(log, { quiet: true })

  app.get('/checkpoint', async (request, response) => {
    const found = request.query.witnessed === undefined ? await reader.checkpoint() : await reader.witnessed()
    if (found === undefined) throw nothingHere()
    response.type('text/plain; charset=utf-8').set('cache-control', 'no-cache').send(found.note)
  })

  app.get('/tile/*path', async (request, response) => {
    const path = request.path.slice(1)
    const size = (await reader.checkpoint())?.size ?? 0
    if (path.startsWith('tile/entries/')) {
      const id = read(() => parseEntriesPath(path))
      if (id.index * TILE_WIDTH + id.width > size) throw nothingHere()
      const [bundle] = await readBundles(store, [id])
      if (bundle === undefined) throw nothingHere()
      return sendTile(response, bundle)
    }
    const id = read(() => parseTilePath(path))
    if (id.level > 6 || (id.index * TILE_WIDTH + id.width) * TILE_WIDTH ** id.level > size) throw nothingHere()
    const [hashes] = await reader.readTiles([id])
    if (hashes === undefined || hashes.length < id.width * HASH_BYTES) throw nothingHere()
    return sendTile(response, hashes.subarray(0, id.width * HASH_BYTES))
  })

  app.post('/cosignatures', express.text({ type: () => true, limit: 100_000 }), async (request, response) => {
    const sent: unknown = request.body
    const verdict = await addCosignatures(store, reader, settings.witnesses, typeof sent === 'string' ? sent : '')
    if (verdict.ok) {
      log.info({ size: verdict.size, witnesses: verdict.witnesses }, 'trail.cosigned')
      return void response.status(200).json({ size: verdict.size, witnesses: verdict.witnesses })
    }
    const status = verdict.reason === 'malformed' ? 400 : verdict.reason === 'no-known-witness' ? 403 : 404
    throw problem(status, `/problems/${verdict.reason}`, 'The cosignature is not taken', verdict.detail)
  })

  return httpServer({ port, app, name: 'trail', log })
}

// What a tile of that name holds never changes: a partial one has its width in its name.
function sendTile(response: Response, bytes: Uint8Array): void {
  response.type('application/octet-stream').set('cache-control', 'public, max-age=31536000, immutable').send(Buffer.from(bytes))
}

function nothingHere(): HttpProblem {
  return problem(404, '/problems/not-found', 'The log has no such thing')
}

function read<T>(parse: () => T): T {
  try {
    return parse()
  } catch (thrown) {
    if (thrown instanceof MerkleLogError) throw nothingHere()
    throw thrown
  }
}
