// How the version matrix publishes: messages and wills of each version, those of 5.0 with every property there is.
// Put together byte by byte, as mqtt-packet loses the order of user properties.
import { flow } from '../kit/flow.ts'
import { frame, hex, text, u16, userProperty, vbi } from '../kit/frames.ts'
import { connack, pubcomp, pubrel, type Qos, type Version } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import type { TestBroker } from '../kit/test-broker.ts'

export interface Publication {
  readonly version: Version
  readonly topicName: string
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
}

/** Message Expiry Interval of every message of 5.0. */
export const SECONDS = 100

const NOTHING = Buffer.alloc(0)
const PROPERTIES = Buffer.concat([
  userProperty('z', '1'),
  hex('01 01'),
  hex('02'),
  Buffer.from([0, 0, 0, SECONDS]),
  hex('03'),
  text('text/plain'),
  userProperty('a', '2'),
  hex('08'),
  text('answers'),
  hex('09'),
  text('question 1'),
  userProperty('z', ''),
  userProperty('z', '1'),
])

const block = (...properties: Buffer[]): Buffer => {
  const bytes = Buffer.concat(properties)
  return Buffer.concat([vbi(bytes.length), bytes])
}

export type Publisher = (publication: Publication) => Promise<void>

/** Publishes as a client does, and is done when it is acknowledged. A topic of 5.0 has an alias: later, that alone. */
export async function messagePublisher(kit: TestBroker, version: Version): Promise<Publisher> {
  const peer = await kit.client('sender', { version })
  const aliases = new Map<string, number>()
  return async ({ topicName, payload, qos, retain }) => {
    const known = aliases.get(topicName)
    const alias = known ?? aliases.size + 1
    if (version === 5) aliases.set(topicName, alias)
    peer.send(
      frame(
        0x30 | (qos << 1) | (retain ? 1 : 0),
        text(known === undefined ? topicName : ''),
        qos > 0 ? u16(qos) : NOTHING,
        version === 5 ? block(hex('23'), u16(alias), PROPERTIES) : NOTHING,
        Buffer.from(payload),
      ),
    )
    await complete(peer, qos)
    await kit.settle()
  }
}

/** Whether somebody was subscribed is not looked at here. */
async function complete(peer: Peer, qos: Qos): Promise<void> {
  if (qos === 0) return
  const { cmd, messageId } = (await peer.next()).packet
  if (cmd !== (qos === 1 ? 'puback' : 'pubrec') || messageId !== qos) throw new Error(`${cmd} came`)
  if (qos === 2) await flow(peer).send(pubrel(qos)).receive(pubcomp(qos))
}

/** Publishes by a client that comes with this will and loses its connection. */
export function willPublisher(kit: TestBroker, version: Version): Publisher {
  return async ({ topicName, payload, qos, retain }) => {
    const flags = 0x02 | 0x04 | (qos << 3) | (retain ? 0x20 : 0)
    const packet = frame(
      0x10,
      text(version === 3 ? 'MQIsdp' : 'MQTT'),
      Buffer.from([version, flags, 0, 0]),
      version === 5 ? block() : NOTHING,
      text('who has a will'),
      version === 5 ? block(PROPERTIES) : NOTHING,
      text(topicName),
      text(payload),
    )
    await flow(kit.peer(version)).send(packet).receive(connack()).drop()
    await kit.settle()
  }
}
