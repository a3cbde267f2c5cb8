// Bundles the service of the current folder into dist/: one file for each entry point that it has.
// Workspace libraries are bundled in; third-party packages stay external, so that their own files are found at run time.
import { existsSync } from 'node:fs'
import { build } from 'esbuild'

const entries = ['main', 'cli'].filter((name) => existsSync(`src/${name}.ts`))
if (entries.length === 0) {
  process.stdout.write('nothing to bundle: no src/main.ts or src/cli.ts\n')
  process.exit(0)
}

await build({
  entryPoints: entries.map((name) => `src/${name}.ts`),
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
  plugins: [
    {
      name: 'third-party-is-external',
      setup(build) {
        build.onResolve({ filter: /^[^./]/ }, ({ path }) => (path.startsWith('@heed/') ? undefined : { path, external: true }))
      },
    },
  ],
})
