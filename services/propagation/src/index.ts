export { type PropagationApp, type PropagationOptions, propagationApp } from './app.ts'
export { propagationShape } from './config.ts'
export { type Snapshots, snapshotsOverGrpc } from './snapshots.ts'
