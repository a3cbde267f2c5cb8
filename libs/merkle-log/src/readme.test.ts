import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import {
  EMPTY_EDGE,
  edgeFrontier,
  encodeTlogProof,
  extendEdge,
  formatCheckpoint,
  formatNote,
  formatVerifierKey,
  frontierRoot,
  generateSignerKey,
  leafHash,
  memoryTiles,
  parseVerifierKey,
  proveConsistency,
  proveInclusion,
  signNote,
  verifyConsistency,
  verifyTlogProof,
} from './index.ts'

const entries = ['one', 'two', 'three'].map((text) => Buffer.from(text))
const store = memoryTiles()

it('does what its README shows', async () => {
  // example
  const origin = 'example.com/trail'
  const key = generateSignerKey(origin, 'ed25519')

  // writing: the tiles first, then the signature over them
  const { edge, tiles } = extendEdge(EMPTY_EDGE, entries.map(leafHash))
  store.write(tiles)
  const rootHash = frontierRoot(edgeFrontier(edge))
  const body = formatCheckpoint({ origin, size: edge.size, rootHash, extensions: [] })
  const checkpoint = formatNote(signNote(body, [key]))

  // proving: entry 1 is in the log of that checkpoint
  const hashes = await proveInclusion(1, edge.size, store.readTiles)
  const file = encodeTlogProof({ index: 1, hashes, checkpoint })

  // verifying, elsewhere: from the entry, the file and the key that was handed out beforehand
  const trusted = { origin, logKeys: [parseVerifierKey(formatVerifierKey(key))] }
  const verdict = verifyTlogProof(file, leafHash(Buffer.from('two')), trusted)

  // later: the log has grown; is what was seen before still its beginning?
  const grown = extendEdge(edge, [leafHash(Buffer.from('four'))])
  store.write(grown.tiles)
  const newRoot = frontierRoot(edgeFrontier(grown.edge))
  const proof = await proveConsistency(3, 4, store.readTiles)
  const extended = verifyConsistency({ oldSize: 3, oldRoot: rootHash, newSize: 4, newRoot, proof })
  // end of example
  expect(verdict).toMatchObject({ ok: true, index: 1, checkpoint: { size: 3 } })
  expect(extended).toEqual({ ok: true })
})

it('is shown in its README as it is run here', () => {
  const source = readFileSync(new URL(import.meta.url), 'utf8')
  const [, example = ''] = /\n {2}\/\/ example\n([\s\S]*?) {2}\/\/ end of example/.exec(source) ?? []
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${example.replaceAll(/^ {2}/gm, '')}\`\`\``)
})
