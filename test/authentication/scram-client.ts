// The client's part of SCRAM, written for the tests from RFC 5802 alone, and able to cheat.
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

export interface ScramClientOptions {
  readonly hash?: 'sha256' | 'sha512'
  readonly nonce?: string
  readonly gs2Header?: string
  /** Behind the nonce, in both messages. */
  readonly extension?: string
}

export class ScramClient {
  readonly first: string
  readonly #password: string
  readonly #options: ScramClientOptions
  readonly #bare: string
  #serverSignature = ''

  constructor(user: string, password: string, options: ScramClientOptions = {}) {
    const { nonce = 'rOprNGfwEbeRWgbNEkqO', gs2Header = 'n,,', extension = '' } = options
    this.#password = password
    this.#options = options
    this.#bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}${extension}`
    this.first = gs2Header + this.#bare
  }

  /** client-final for the server-first that came. */
  final(serverFirst: string): string {
    const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? []
    if (nonce === undefined || salt === undefined) throw new Error(`no server-first: ${serverFirst}`)
    const { hash = 'sha256', gs2Header = 'n,,', extension = '' } = this.#options
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest()
    const bytes = hash === 'sha256' ? 32 : 64
    const binding = Buffer.from(gs2Header).toString('base64')
    const withoutProof = `c=${binding},r=${nonce}${extension}`
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), Number(iterations), bytes, hash)
    const clientKey = hmac(salted, 'Client Key')
    const signature = hmac(createHash(hash).update(clientKey).digest(), authMessage)
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)))
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  /** What a server that knows the verifier says at the end. */
  get serverFinal(): string {
    return `v=${this.#serverSignature}`
  }
}
