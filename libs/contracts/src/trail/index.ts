// Imports node:crypto only, so that a verifier that has nothing else of Heed can read entries.
export * from './canonical-json.ts'
export * from './commitment.ts'
export * from './disclosure.ts'
export * from './entry-kinds.ts'
export * from './leaf.ts'
export * from './leaf-of.ts'
