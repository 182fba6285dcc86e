import { defineConfig } from 'vitest/config'

/** Only a test that hangs waits so long. On a machine with much else to do, what takes a second may take twenty. */
const PATIENCE_MS = 120_000

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: PATIENCE_MS,
    hookTimeout: PATIENCE_MS,
    expect: { poll: { timeout: PATIENCE_MS / 2 } },
  },
})
