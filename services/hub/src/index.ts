export type { FaultPoint, FaultProbe } from './fault-points.ts'
export { type Hub, type HubOptions, type HubPorts, startHub } from './hub.ts'
export { sandboxOptions, startVendors, vendorEnvironment } from './vendors.ts'
