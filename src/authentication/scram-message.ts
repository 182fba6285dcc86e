// The two messages that a client sends in SCRAM, taken apart (RFC 5802, section 7). Read by scram-exchange.ts.
//
//   n,a=authzid,n=user,r=nonce,x=...                       client-first
//   |gs2Header-||bare --------------|
//   c=biws,r=nonce and the server's,x=...,p=proof          client-final
//   |withoutProof -----------------------|

export interface ClientFirst {
  readonly gs2Header: string
  readonly bare: string
  /** Both with their commas and equals signs unescaped, not prepared. */
  readonly authzid: string | undefined
  readonly user: string
  readonly nonce: string
}

export interface ClientFinal {
  readonly withoutProof: string
  /** In base64, as it came. */
  readonly channelBinding: string
  readonly nonce: string
  readonly proof: Buffer
}

/** The values of `e=` that we make use of. `unknown-user` is none of them: it would say who is known. */
export type ScramErrorValue =
  | 'invalid-encoding'
  | 'extensions-not-supported'
  | 'invalid-proof'
  | 'channel-bindings-dont-match'
  | 'channel-binding-not-supported'
  | 'invalid-username-encoding'
  | 'other-error'

/** What is wrong with a message of the client's; `why` holds nothing that it sent. */
export class ScramError extends Error {
  override readonly name = 'ScramError'
  readonly value: ScramErrorValue
  readonly why: string

  constructor(value: ScramErrorValue, why: string) {
    super(why)
    this.value = value
    this.why = why
  }
}

const MESSAGE_BYTES_MAX = 2_048
const GS2_HEADER = /^(n|y|p=[A-Za-z0-9.-]+),(?:a=([^,]+))?,/
const NAME = /^(?:[^=]|=2C|=3D)+$/
/** Printable ASCII without the comma. A client with a nonce of a few characters has not understood what it is for. */
const NONCE = /^[\x21-\x2b\x2d-\x7e]{8,256}$/
const EXTENSION = /^[A-Za-z]=.+$/s
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws ScramError. */
export function parseClientFirst(data: Buffer): ClientFirst {
  const text = textOf(data)
  const header = GS2_HEADER.exec(text)
  if (header === null) throw new ScramError('other-error', 'client-first has no GS2 header')
  const [gs2Header, flag, authzid] = header
  if (flag !== 'n' && flag !== 'y') {
    throw new ScramError('channel-binding-not-supported', 'channel binding is asked for')
  }
  const bare = text.slice(gs2Header.length)
  const [user = '', nonce = '', ...extensions] = attributesOf(bare)
  checkExtensions(extensions)
  return {
    gs2Header,
    bare,
    authzid: authzid === undefined ? undefined : unescapeName(authzid),
    user: unescapeName(attributeValue(user, 'n')),
    nonce: nonceOf(attributeValue(nonce, 'r')),
  }
}

/** Throws ScramError. The nonce is not looked at: it has to be a known one. */
export function parseClientFinal(data: Buffer, proofBytes: number): ClientFinal {
  const text = textOf(data)
  const [channelBinding = '', nonce = '', ...rest] = attributesOf(text)
  const proof = attributeValue(rest.pop() ?? '', 'p')
  checkExtensions(rest)
  return {
    withoutProof: text.slice(0, text.length - ',p='.length - proof.length),
    channelBinding: attributeValue(channelBinding, 'c'),
    nonce: attributeValue(nonce, 'r'),
    proof: proofOf(proof, proofBytes),
  }
}

function textOf(data: Buffer): string {
  if (data.length > MESSAGE_BYTES_MAX) throw new ScramError('other-error', 'the message is too long')
  try {
    const text = utf8.decode(data)
    if (!text.includes('\0')) return text
  } catch {
    // Told below, with the one that has a null in it.
  }
  throw new ScramError('invalid-encoding', 'the message is no UTF-8 without nulls')
}

/** An extension that must be understood is one that is not: there are none yet. */
function attributesOf(text: string): string[] {
  const attributes = text.split(',')
  if (attributes.some((attribute) => attribute.startsWith('m='))) {
    throw new ScramError('extensions-not-supported', 'a mandatory extension is asked for')
  }
  return attributes
}

function checkExtensions(extensions: readonly string[]): void {
  if (extensions.every((extension) => EXTENSION.test(extension))) return
  throw new ScramError('other-error', 'an extension is no attribute with a value')
}

function attributeValue(attribute: string, name: 'n' | 'r' | 'c' | 'p'): string {
  if (attribute.startsWith(`${name}=`)) return attribute.slice(2)
  throw new ScramError('other-error', `the attribute ${name} is not where it belongs`)
}

function unescapeName(escaped: string): string {
  if (NAME.test(escaped)) return escaped.replaceAll('=2C', ',').replaceAll('=3D', '=')
  throw new ScramError('invalid-username-encoding', 'a name is empty or wrongly escaped')
}

function nonceOf(nonce: string): string {
  if (NONCE.test(nonce)) return nonce
  throw new ScramError('other-error', 'the nonce is too short, too long or not printable')
}

function proofOf(base64: string, proofBytes: number): Buffer {
  const proof = Buffer.from(base64, 'base64')
  if (proof.length === proofBytes && proof.toString('base64') === base64) return proof
  throw new ScramError('invalid-encoding', 'the proof is not the base64 of a hash')
}
