export { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
export { type Edge, EMPTY_EDGE, edgeFrom, edgeFrontier, extendEdge } from './edge.ts'
export { decodeEntries, encodeEntries, MAX_ENTRY_BYTES } from './entries.ts'
export { type Failure, MerkleLogError, type MerkleLogReason, type Verdict } from './errors.ts'
export { appendLeaves, decodeFrontier, EMPTY_FRONTIER, encodeFrontier, type Frontier, frontierRoot, rootOf } from './frontier.ts'
export { EMPTY_ROOT, HASH_BYTES, type Hash, hashAt, isHash, leafHash, nodeHash, sameHash } from './hash.ts'
export {
  formatSignerKey,
  formatVerifierKey,
  generateSignerKey,
  isKeyName,
  type KeyType,
  keyFingerprint,
  parseSignerKey,
  parseVerifierKey,
  type SignerKey,
  type VerifierKey,
  verifierKey,
  verifierOf,
} from './keys.ts'
export { type MemoryTiles, memoryTiles } from './memory-tiles.ts'
export {
  cosign,
  formatNote,
  formatSignature,
  type NoteReason,
  type NoteSignature,
  type NoteVerdict,
  openNote,
  parseNote,
  type SignedNote,
  signNote,
  type VerifiedSignature,
} from './note.ts'
export { type NodeMemory, proveConsistency, proveInclusion, proveInclusions, readFrontier } from './prove.ts'
export {
  type BundleId,
  decodeTile,
  encodeTile,
  entriesPath,
  type NodeReader,
  parseEntriesPath,
  parseTilePath,
  partialTiles,
  TILE_WIDTH,
  type Tile,
  type TileId,
  tilePath,
  tilesFor,
  tileWidth,
} from './tiles.ts'
export { decodeTlogProof, encodeTlogProof, type ProofReason, type ProofVerdict, type TlogProof, verifyTlogProof } from './tlog-proof.ts'
export { type CheckpointReason, type CheckpointVerdict, claimedCheckpoint, type TrustPolicy, verifyCheckpoint } from './trust.ts'
export {
  type ConsistencyClaim,
  type ConsistencyReason,
  type InclusionClaim,
  type InclusionReason,
  verifyConsistency,
  verifyInclusion,
} from './verify.ts'
export { type AddCheckpoint, decodeAddCheckpoint, encodeAddCheckpoint } from './witness.ts'
