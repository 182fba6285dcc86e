// Clients by others over real sockets: what our codec gets wrong in both directions alike, they do not. Each client
// plays every scenario over 3.1.1 and over 5.0. Most of their time they wait, so they do it side by side.
import { describe, test } from 'vitest'
import { foreignVersions, installedKinds, prepareForeignKinds, reportMissingKinds } from './foreign-kinds.ts'
import { scenarios } from './foreign-scenarios.ts'
import { Stage } from './foreign-stage.ts'

const storePath = prepareForeignKinds()
reportMissingKinds()

for (const kind of installedKinds) {
  describe.each(foreignVersions)(`${kind.name} speaking version %d`, (version) => {
    for (const { title, versions = foreignVersions, config = {}, play } of scenarios) {
      if (!versions.includes(version)) continue
      test.concurrent(title, async ({ onTestFinished: whenOver }) => {
        await play(await Stage.open({ kind, version }, { path: storePath(), whenOver, config }))
      })
    }
  })
}
