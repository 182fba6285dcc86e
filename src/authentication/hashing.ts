// Checks passwords on libuv's pool, so many at once and no more: the disk waits for the same few threads. What has been
// found right is known again without hashing, so that a thousand users who reconnect cost a thousand look-ups.
// Asked by password-authenticator.ts.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { BoundedMap } from '../base/bounded-map.ts'
import { Places } from '../base/places.ts'
import { isPassword, type PasswordHash } from './password-hash.ts'

const KNOWN_MAX = 50_000

export class Hashing {
  readonly #places: Places
  /** By what is kept of them: a short hash of the right password, under a key that no file has. */
  readonly #known = new BoundedMap<string, Buffer>(KNOWN_MAX)
  readonly #key = randomBytes(32)

  constructor(hashesAtOnceMax: number) {
    this.#places = new Places(hashesAtOnceMax)
  }

  /** `text` is what stands in the file; the same for all that share hash and password. */
  async isRight(text: string, hash: PasswordHash, password: Buffer): Promise<boolean> {
    const mark = createHmac('sha256', this.#key).update(password).digest()
    if (this.#isKnown(text, mark)) return true
    return this.#inTurn(async () => {
      if (this.#isKnown(text, mark)) return true // Found out by one of those before it.
      const isRight = await isPassword(hash, password)
      if (isRight) this.#known.set(text, mark)
      return isRight
    })
  }

  #isKnown(text: string, mark: Buffer): boolean {
    const known = this.#known.get(text)
    return known !== undefined && timingSafeEqual(known, mark)
  }

  async #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    await new Promise<void>((resolve) => this.#places.take({ begin: resolve }))
    try {
      return await work()
    } finally {
      this.#places.giveBack()
    }
  }
}
