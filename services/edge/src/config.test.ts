import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { edgeShape } from './config.ts'

it('every variable of the edge is told to whoever deploys it', () => {
  const told = readFileSync(new URL('../../../deploy/README.md', import.meta.url), 'utf8')
  expect(Object.keys(edgeShape).filter((name) => !told.includes(`\`${name}\``))).toEqual([])
})
