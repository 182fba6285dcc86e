// What can go wrong between the packets: the network, the other end, the disk, the time. And how a script's packets
// become chunks: nobody promises that what was written at once is read at once.
import type { Random } from './random.ts'
import { type Deed, does, happens, passes, type Saying, type Script, type Step, says } from './script.ts'

const DEEDS: readonly Deed[] = ['ends', 'cuts', 'resets', 'stalls', 'reads', 'answers']
const CLIENTS = 3

/** Something happens somewhere. */
export function upset(script: Script, random: Random): Script {
  const at = random.below(script.length + 1)
  return [...script.slice(0, at), anUpset(random), ...script.slice(at)]
}

function anUpset(random: Random): Step {
  switch (random.below(10)) {
    case 0:
      return passes(random.pick([100, 600, 1_500, 3_000]))
    case 1:
      return happens('hold')
    case 2:
      return happens('let go')
    case 3:
      return happens(random.pick(['full', 'room'] as const))
    case 4:
      return happens(random.chance(20) ? 'restart' : 'turn')
    default:
      return does(random.below(CLIENTS), random.pick(DEEDS))
  }
}

/** The same script over other chunks: as it is, all that can be at once, or in pieces down to a byte. */
export function chunked(script: Script, random: Random): Script {
  const size = random.pick([1, 2, 7, 50, 500, 65_536])
  switch (random.below(4)) {
    case 0:
      return script.flatMap((step) => [step, ...(random.chance(20) ? [happens('turn')] : [])])
    case 1:
      return joined(script)
    case 2:
      return inPieces(script, () => size, random)
    default:
      return inPieces(joined(script), () => 1 + random.below(2 * size), random)
  }
}

/** What a client says in one go is one chunk. */
function joined(script: Script): Step[] {
  const steps: Step[] = []
  for (const step of script) {
    const last = steps.at(-1)
    if (step.kind === 'says' && last?.kind === 'says' && last.client === step.client) {
      steps[steps.length - 1] = says(step.client, Buffer.concat([last.bytes, step.bytes]))
    } else steps.push(step)
  }
  return steps
}

/** A packet is cut at most this often: the rest of it is one piece. */
const PIECES_MAX = 40

function inPieces(script: Script, sizeOf: () => number, random: Random): Script {
  return script.flatMap((step) => (step.kind === 'says' ? piecesOf(step, sizeOf, random) : [step]))
}

function piecesOf({ client, bytes }: Saying, sizeOf: () => number, random: Random): Step[] {
  const pieces: Step[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = pieces.length < PIECES_MAX ? sizeOf() : bytes.length
    pieces.push(says(client, bytes.subarray(at, at + size)))
    if (random.chance(10)) pieces.push(happens('turn'))
    at += size
  }
  return pieces
}
