import { type Sandbox, startSandbox } from '@heed/sandbox'
import { sandboxOptions } from './vendors.ts'

/** Starts the vendors in this process, for tests that drive them. `npm start` runs them in one of their own (`vendors-apart.ts`). */
export async function startVendors(options: { readonly port: number; readonly dataDir: string }): Promise<Sandbox> {
  return startSandbox(sandboxOptions(options))
}
