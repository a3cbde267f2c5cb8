// Bundles the service of the current folder into dist/: one file for each entry point that it has.
import { existsSync } from 'node:fs'
import { build } from 'esbuild'
import { serviceBundle } from './bundle.mjs'

// a thread is a file of its own
const entries = ['main', 'cli', 'audit-thread'].filter((name) => existsSync(`src/${name}.ts`))
if (entries.length === 0) {
  process.stdout.write('nothing to bundle: no src/main.ts or src/cli.ts\n')
  process.exit(0)
}

// what is handed on to strangers is one file, with everything in it
if (existsSync('src/verifier.ts')) {
  await build({
    ...serviceBundle,
    plugins: [],
    entryPoints: ['src/verifier.ts'],
    outfile: 'dist/heed-verify.mjs',
    // a package in it asks for node's own modules in the older way
    banner: { js: "import { createRequire as requireFrom } from 'node:module'\nconst require = requireFrom(import.meta.url)" },
  })
}

await build({ ...serviceBundle, entryPoints: entries.map((name) => `src/${name}.ts`), outdir: 'dist', sourcemap: true })
