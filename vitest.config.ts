import { defineConfig } from 'vitest/config'

// Four kinds of test, by name and place (each project's README line is in tests/README.md):
//   unit    x.test.ts beside x.ts: pure, no network, milliseconds
//   it      x.it.test.ts beside the adapter: a real broker and a real database
//   system  tests/system: the hub in one process; tests/browser: a real browser on its pages
//   faults  tests/faults: real processes that are killed
const rooms = ['libs', 'services', 'deploy', 'tests/architecture', 'tests/contracts']
const stack = ['libs/testkit/src/vitest-stack.ts']
// on a shared machine a real broker or process may starve past a time-out; a second failure is a failure, and the log shows both
const retry = process.env.CI ? 1 : 0

export default defineConfig({
  test: {
    reporters: process.env.CI ? ['default', ['json', { outputFile: 'node_modules/.cache/vitest-results.json' }]] : ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          // one worker loads a module once: these tests share nothing that one of them changes
          pool: 'threads',
          isolate: false,
          include: rooms.map((room) => `${room}/**/*.test.ts`),
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.it.test.ts'],
        },
      },
      {
        test: {
          name: 'it',
          retry,
          sequence: { groupOrder: 1 },
          include: ['libs/**/*.it.test.ts', 'services/**/*.it.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          globalSetup: stack,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 4,
          isolate: false,
        },
      },
      {
        test: {
          name: 'system',
          retry,
          sequence: { groupOrder: 2 },
          include: ['tests/system/**/*.test.ts', 'tests/browser/**/*.test.ts'],
          globalSetup: stack,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 3,
          isolate: false,
        },
      },
      {
        test: {
          name: 'faults',
          retry,
          // beside the stories: what is killed and restarted mostly waits
          sequence: { groupOrder: 2 },
          include: ['tests/faults/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 3,
          isolate: false,
        },
      },
    ],
  },
})
