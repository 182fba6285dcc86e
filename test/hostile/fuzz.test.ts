// Conversations with something wrong, by the thousand, from a fixed seed. After each batch two others are still served;
// at the end nothing is left of all of it. By hand, for longer: GODWIT_FUZZ_SECONDS=600 GODWIT_FUZZ_SEED=7 npx vitest
// run test/hostile/fuzz. A failure names the seed of its batch: as GODWIT_FUZZ_SEED it is the first one.
import { expect, it } from 'vitest'
import { flow, turns } from '../kit/flow.ts'
import type { Peer } from '../kit/peer.ts'
import { makeConversation } from './conversations.ts'
import { type HostileBroker, openHostile } from './hostile-broker.ts'
import { mutate } from './mutations.ts'
import { Random } from './random.ts'

const SECONDS = Number(process.env.GODWIT_FUZZ_SECONDS ?? 0)
const SEED = Number(process.env.GODWIT_FUZZ_SEED ?? 1)
const BATCH = 50
/** Room for the two that are served, and for a batch. */
const limits = {
  connectionsMax: BATCH + 2,
  sessionsMax: 30,
  subscriptionsPerSessionMax: 20,
  queueMessagesMax: 50,
  retainedMessagesMax: 10,
  outputBytesMax: 20_000,
}

/** Writes it in pieces, over as many turns as the other conversations of the batch need. */
async function say(peer: Peer, bytes: Buffer, random: Random): Promise<void> {
  const piece = random.pick([1, 7, 100, 65_536, 65_536])
  for (let at = 0; at < bytes.length && !peer.isClosed; ) {
    const size = piece === 1 && at > 200 ? bytes.length : piece
    peer.stream.write(bytes.subarray(at, at + size))
    at += size
    if (random.chance(30)) await turns(1)
  }
}

function leave(peer: Peer, random: Random): void {
  if (random.chance(40)) peer.stream.end()
  else if (random.chance(60)) peer.brokerEnd.destroy()
}

async function runCase(kit: HostileBroker, random: Random): Promise<void> {
  const { version, packets } = makeConversation(random)
  const bytes = Buffer.concat([...mutate(packets, random, makeConversation(random).packets)])
  const peer = kit.peer(version)
  if (random.chance(10)) peer.stall()
  await say(peer, bytes, random)
  if (random.chance(80)) await turns(2)
  leave(peer, random)
}

async function runBatch(kit: HostileBroker, seed: number): Promise<void> {
  const random = new Random(seed)
  await Promise.all(Array.from({ length: BATCH }, (_, i) => runCase(kit, new Random(seed * 1_000 + i))))
  await kit.settle()
  await kit.servesOthers()
  if (random.chance(50)) kit.clock.advance(random.pick([100, 5_000, 20_000, 120_000]))
  // Those that are still there are the last of their batch.
  for (const peer of kit.peers.splice(2)) peer.brokerEnd.destroy()
  await kit.settle()
}

async function runBatches(kit: HostileBroker, batches: number): Promise<number> {
  const end = Date.now() + SECONDS * 1_000
  let cases = 0
  for (let i = 0; i < batches || Date.now() < end; i++) {
    await runBatch(kit, SEED + i).catch((cause: unknown) => {
      throw new Error(`in the batch of seed ${SEED + i}`, { cause })
    })
    cases += BATCH
  }
  return cases
}

/** The second test runs three times as long. */
const timeout = 60_000 + 4_000 * SECONDS

it('whatever is wrong with a conversation, others are served, and nothing is left', { timeout }, async () => {
  const kit = await openHostile(limits)
  expect(await runBatches(kit, 100)).toBeGreaterThanOrEqual(5_000)
  await kit.leavesNothing()
})

it('and what it leaves on the disk is a broker that starts and serves', { timeout }, async () => {
  const kit = await openHostile(limits, 'level')
  for (let restarts = 0; restarts < 3; restarts++) {
    expect(await runBatches(kit, 8)).toBeGreaterThan(0)
    kit.peers.length = 0
    await kit.restart()
    await kit.servesOthers()
  }
  await kit.leavesNothing()
})

it('the conversations are all right before something is wrong with them', async () => {
  const kit = await openHostile({ ...limits, outputBytesMax: 1_000_000 })
  const random = new Random(SEED)
  let answered = 0
  for (let i = 0; i < 300; i++) {
    const { version, packets } = makeConversation(random)
    const peer = kit.peer(version)
    peer.send(...packets)
    await kit.settle()
    const { packet } = await peer.next()
    expect(packet, packets[0]?.toString('hex')).toMatchObject({ cmd: 'connack', code: 0 })
    answered += peer.waiting
    peer.brokerEnd.destroy()
  }
  expect(answered).toBeGreaterThan(2_000)
  await flow(kit.peer()).receiveNothing()
  await kit.servesOthers()
})
