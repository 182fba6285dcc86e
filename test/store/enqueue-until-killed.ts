// Run by durability.test.ts in a process of its own, which it kills: prints each sequence once its commit was heard.
import { LevelStore } from '../../src/store/level-store.ts'
import type { CommitListener } from '../../src/store/store.ts'
import { deliveryOf, sessionOf } from './payloads.ts'

const IN_FLIGHT = 50
const store = new LevelStore({ path: process.argv[2] ?? '', sync: 'always' })
await store.open({ session() {}, subscription() {}, retained() {}, will() {} })
const session = sessionOf(store, 'kept')
store.putSession(session)
let next = 0

const publisher: CommitListener = {
  committed(sequence) {
    if (sequence >= 0) process.stdout.write(`${sequence}\n`)
    store.enqueue(session.number, deliveryOf(next, `message ${next}`))
    store.afterCommit(publisher, next++)
  },
}
for (let i = 0; i < IN_FLIGHT; i++) publisher.committed(-1)
