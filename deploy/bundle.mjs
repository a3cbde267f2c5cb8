/** How a service is bundled: workspace libraries go in, third-party packages stay external, so that their own files are found at run time. */
export const serviceBundle = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  plugins: [
    {
      name: 'third-party-is-external',
      setup(build) {
        build.onResolve({ filter: /^[^./]/ }, ({ path }) => (path.startsWith('@heed/') ? undefined : { path, external: true }))
      },
    },
  ],
}
