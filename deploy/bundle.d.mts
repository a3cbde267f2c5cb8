import type { BuildOptions } from 'esbuild'

export const serviceBundle: BuildOptions
