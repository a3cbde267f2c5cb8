export { type PropagationApp, type PropagationOptions, propagationApp, topicSpec } from './app.ts'
export { propagationShape } from './config.ts'
export { type Snapshots, snapshotsOverGrpc } from './snapshots.ts'
