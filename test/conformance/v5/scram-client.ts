// What the conformance tests of authentication share: a broker that knows two users by SCRAM-SHA-256, and the client's
// part of that method, made from node:crypto alone.
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { createBroker } from '../../../src/index.ts'
import { PACKET_SIZE_MAX } from '../../../src/packet/protocol.ts'
import { connack, connect, type Said } from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'
import { openBroker, type TestBroker } from '../../kit/test-broker.ts'

export const METHOD = 'SCRAM-SHA-256'
const SALT = Buffer.from('sixteen of bytes')
const ITERATIONS = 4_096

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
const saltedOf = (password: string): Buffer => pbkdf2Sync(password, SALT, ITERATIONS, 32, 'sha256')

function verifierOf(password: string): string {
  const salted = saltedOf(password)
  const keys = [sha256(hmac(salted, 'Client Key')), hmac(salted, 'Server Key')]
  const [stored, server] = keys.map((key) => key.toString('base64'))
  return `SCRAM-SHA-256$${ITERATIONS}:${SALT.toString('base64')}$${stored}:${server}`
}

export async function openScram(): Promise<TestBroker> {
  const scramFile = join(await temporaryFolder(), 'users')
  await writeFile(scramFile, `ada:${verifierOf('pencil')}\nbob:${verifierOf('brush')}\n`)
  const limits = { topicAliasMaximum: 0, maximumPacketSize: PACKET_SIZE_MAX }
  const kit = await openBroker()
  // Methods are made by the composition root: its broker takes the place of the one that the kit has made.
  await kit.broker.close()
  const { clock } = kit
  const persistence = { enabled: false }
  kit.broker = await createBroker({
    allowAnonymous: true,
    authentication: { scramFile },
    persistence,
    limits,
    clock,
  })
  return kit
}

export const auth = (
  reasonCode: number,
  authenticationData: string | Buffer,
  authenticationMethod = METHOD,
): Said => ({
  cmd: 'auth',
  reasonCode,
  properties: { authenticationMethod, authenticationData: Buffer.from(authenticationData) },
})

export const connectWith = (authenticationData: string, fields: Record<string, unknown> = {}): Said =>
  connect('c', {
    ...fields,
    properties: {
      ...(fields.properties ?? {}),
      authenticationMethod: METHOD,
      authenticationData: Buffer.from(authenticationData),
    },
  })

export const firstOf = (user: string): string => `n,,n=${user},r=nonce-of-the-client`

interface Properties {
  readonly authenticationMethod?: string
  readonly authenticationData?: Buffer
}
export const propertiesOf = (packet: Said): Properties => (packet.properties ?? {}) as Properties
export const dataOf = (packet: Said): string => String(propertiesOf(packet).authenticationData)

/** The client's last message, and the one by which the server proves itself, in answer to its first one. */
export function proofOf(
  user: string,
  password: string,
  serverFirst: string,
): { final: string; serverFinal: string } {
  const salted = saltedOf(password)
  const clientKey = hmac(salted, 'Client Key')
  const withoutProof = `c=biws,${serverFirst.split(',')[0]}`
  const message = `${firstOf(user).slice(3)},${serverFirst},${withoutProof}`
  const signature = hmac(sha256(clientKey), message)
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] as number)))
  const serverSignature = hmac(hmac(salted, 'Server Key'), message)
  return {
    final: `${withoutProof},p=${proof.toString('base64')}`,
    serverFinal: `v=${serverSignature.toString('base64')}`,
  }
}

/** Sends this, gets the server's first message, and answers it. Resolves with the answer to that. */
export async function exchange(peer: Peer, opening: Said, password = 'pencil'): Promise<Said> {
  peer.send(opening)
  const { packet } = await peer.next()
  expect(packet).toMatchObject({ cmd: 'auth', reasonCode: 0x18 })
  peer.send(auth(0x18, proofOf('ada', password, dataOf(packet)).final))
  return (await peer.next()).packet
}

export async function authenticated(kit: TestBroker, fields: Record<string, unknown> = {}): Promise<Peer> {
  const peer = kit.peer()
  expect(await exchange(peer, connectWith(firstOf('ada'), fields))).toMatchObject(connack(0))
  return peer
}
