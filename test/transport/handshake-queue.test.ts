// Handshakes begin in turn: one address does not keep the others waiting, nor do those who have given up.
import { expect, it } from 'vitest'
import { HandshakeQueue } from '../../src/transport/handshake-queue.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('of the addresses that wait each has its turn', async () => {
  const queue = new HandshakeQueue(1_000_000)
  const begun: string[] = []
  const come = (network: string, times: number): void => {
    for (let i = 0; i < times; i++) queue.add(network, { isGone: false, begin: () => begun.push(network) })
  }
  come('a', 5)
  come('b', 2)
  come('c', 1)
  expect(begun).toEqual([])
  while (begun.length < 8) await turn()
  expect(begun.join('')).toBe('abcabaaa')
})

it('begins one in a turn', async () => {
  const queue = new HandshakeQueue(1_000_000)
  const turns: number[] = []
  let now = 0
  for (let i = 0; i < 5; i++) queue.add('a', { isGone: false, begin: () => turns.push(now) })
  for (; now < 8; now++) await turn()
  expect(new Set(turns).size).toBe(5)
})

it('who has given up costs nobody a turn', async () => {
  const queue = new HandshakeQueue(1)
  let isBegun = false
  for (let i = 0; i < 10_000; i++) queue.add('a', { isGone: true, begin: () => expect.fail('it is gone') })
  queue.add('b', { isGone: false, begin: () => (isBegun = true) })
  await turn()
  await turn()
  expect(isBegun).toBe(true)
})

it('listens to a few newcomers a turn, and to all in the end', async () => {
  const queue = new HandshakeQueue(1)
  let heard = 0
  for (let i = 0; i < 100; i++) queue.greet(() => heard++)
  expect(heard).toBe(0)
  await turn()
  expect(heard).toBeGreaterThan(0)
  expect(heard).toBeLessThan(50)
  while (heard < 100) await turn()
})
