export { type Hub, type HubOptions, type HubPorts, startHub } from './hub.ts'
export { sandboxOptions, startVendors, vendorEnvironment } from './vendors.ts'
