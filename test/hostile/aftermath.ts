// After a case: the witness is served, and nothing is left of the hostile clients: no connection, session, will, timer
// or socket. Connections and sessions are counted from outside, by making as many as there is room for.

import { connect4 } from '../kit/frames.ts'
import { type Arena, CLIENTS_MAX, Finding, GRACE_MS, SESSION_SECONDS_MAX } from './arena.ts'
import type { Wire } from './far-ends.ts'
import { Player } from './player.ts'
import type { Script } from './script.ts'

/** Longer than the connect deadline and the keep alives of the stories. */
const PATIENCE_MS = 8_000
/** And $SYS, which is looked at once a second, has found that nobody is left to read it. */
const SESSIONS_END_MS = SESSION_SECONDS_MAX * 1_000 + 1_400
const CONNACK4 = '20020000'
const SOCKET = 'TCPSocketWrap'

/** Plays it, and throws a Finding if the broker does not stand it. The player knows what clients have heard. */
export async function runCase(arena: Arena, script: Script): Promise<Player> {
  const player = new Player(arena)
  const sockets = countSockets(arena)
  await player.play(script)
  await player.turn()
  arena.store.letGo()
  arena.store.makeRoom()
  await checkWitness(arena)
  await checkCloses(arena, player)
  await checkNothingIsKept(arena)
  await checkRoom(arena)
  player.checkPackets()
  await arena.until(
    () => countSockets(arena) === sockets,
    () => `${countSockets(arena)} sockets are open that were ${sockets}`,
  )
  return player
}

async function checkWitness(arena: Arena): Promise<void> {
  const { witness } = arena
  witness.speak()
  await arena.until(
    () => witness.isServed,
    () => witness.problem,
  )
}

/** What the broker has closed is gone after its grace, whatever the client does. What is still open goes now. */
async function checkCloses(arena: Arena, player: Player): Promise<void> {
  await player.turn()
  await arena.pass(PATIENCE_MS)
  await player.turn()
  const ended = player.connections.filter(({ far }) => far.isEnded)
  await arena.pass(GRACE_MS)
  if (arena.ground.far === 'wire' && ended.some(({ far }) => !far.isGone)) {
    throw new Finding('a connection that the broker closed is still there after its grace')
  }
  for (const { far } of player.connections) far.cut()
  await player.turn()
  await arena.store.settled()
}

async function checkNothingIsKept(arena: Arena): Promise<void> {
  const { ledger, clock, failures } = arena
  await arena.pass(SESSIONS_END_MS)
  // Their deadlines are timers too.
  for (const topicName of [...ledger.retained]) {
    await arena.broker.publish({ topicName, payload: '', retain: true })
  }
  if (ledger.retained.size > 0) throw new Finding('retained messages can not be removed')
  const leftOver = (): string =>
    ledger.leftOver || (clock.waiting === 0 ? '' : `${clock.waiting} timers are waiting`)
  await arena.until(() => leftOver() === '', leftOver)
  const problems = [...ledger.breaches, ...failures]
  if (problems.length > 0) throw new Finding(problems.join('\n'))
}

/** As many clients as have room are let in, and not one more. */
async function checkRoom(arena: Arena): Promise<void> {
  const wires = Array.from({ length: CLIENTS_MAX }, () => arena.wire())
  const heard = wires.map(() => '')
  for (const [index, wire] of wires.entries()) wire.write(connect4(`probe ${index}`))
  const areIn = (): boolean => {
    for (const [index, wire] of wires.entries()) heard[index] += wire.take().toString('hex')
    return heard.every((each) => each === CONNACK4)
  }
  await arena.until(areIn, () => `connections or sessions are left: [${heard.join(', ')}] for new clients`)
  const oneMore: Wire = arena.wire()
  if (!oneMore.isEnded) throw new Finding('more connections than connectionsMax')
  for (const wire of [...wires, oneMore]) wire.cut()
  await arena.turn()
}

function countSockets({ ground }: Arena): number {
  if (ground.far === 'wire') return 0
  return process.getActiveResourcesInfo().filter((each) => each === SOCKET).length
}
