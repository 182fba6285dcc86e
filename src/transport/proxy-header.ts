// The header that a proxy puts before the bytes of a client, by the PROXY protocol: versions 1 (a line of text) and 2.
// proxy-protocol.ts reads it from the socket; what follows it is the client's own.
//
//   1   PROXY TCP4 192.0.2.1 198.51.100.1 50000 1883\r\n          at most 107 bytes; or PROXY UNKNOWN ...\r\n
//   2   signature (12) | version, command | family, protocol | length (2) | addresses | TLVs
import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { plainHost } from '../base/address-ranges.ts'

const LINE_BYTES_MAX = 107
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const FIXED_BYTES = 16
/** Addresses and TLVs: what is announced longer is not waited for. */
const REST_BYTES_MAX = 2_048
const TLV_HEAD_BYTES = 3

const COMMAND_LOCAL = 0
const COMMAND_PROXY = 1
/** Addresses in a header of version 2: bytes of an address, or of all where they are no IP addresses. */
const FAMILY_IPV4 = 1
const FAMILY_IPV6 = 2
const FAMILY_UNIX = 3
const UNIX_ADDRESS_BYTES = 216

export interface ProxyHeader {
  /** Bytes of the header. */
  readonly length: number
  /** Undefined: the proxy speaks for itself (LOCAL), or the client has no IP address (UNKNOWN, unix socket). */
  readonly source: { readonly host: string; readonly port: number } | undefined
}

export class ProxyHeaderError extends Error {}

const refuse = (why: string): never => {
  throw new ProxyHeaderError(why)
}

/** Of the bytes that have come so far; undefined: more are needed. Throws ProxyHeaderError. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  const known = Math.min(bytes.length, SIGNATURE.length)
  if (bytes.subarray(0, known).equals(SIGNATURE.subarray(0, known))) {
    return bytes.length < FIXED_BYTES ? undefined : parseBinary(bytes)
  }
  return parseLine(bytes)
}

function parseLine(bytes: Buffer): ProxyHeader | undefined {
  const text = bytes.toString('latin1', 0, LINE_BYTES_MAX)
  const prefix = 'PROXY '
  if (!text.startsWith(prefix.slice(0, text.length))) return refuse('there is no PROXY header')
  const end = text.indexOf('\r\n')
  if (end === -1) return bytes.length < LINE_BYTES_MAX ? undefined : refuse('its line has no end')
  const length = end + 2
  const [family, source, destination, sourcePort, destinationPort, ...more] = text
    .slice(prefix.length, end)
    .split(' ')
  if (family === 'UNKNOWN') return { length, source: undefined }
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : refuse('its family is unknown')
  const isWhole = isAddress(source ?? '') && isAddress(destination ?? '') && more.length === 0
  if (!isWhole || !isPort(sourcePort) || !isPort(destinationPort)) return refuse('its addresses are none')
  return { length, source: { host: plainHost(source ?? ''), port: Number(sourcePort) } }
}

const isPort = (text: string | undefined): boolean =>
  text !== undefined && /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535

function parseBinary(bytes: Buffer): ProxyHeader | undefined {
  const command = bytes.readUInt8(12)
  const family = bytes.readUInt8(13) >>> 4
  const restLength = bytes.readUInt16BE(14)
  if (command >>> 4 !== 2) refuse('its version is unknown')
  if ((command & 15) > COMMAND_PROXY) refuse('its command is unknown')
  if (family > FAMILY_UNIX) refuse('its family is unknown')
  if (restLength > REST_BYTES_MAX) refuse(`it is longer than ${REST_BYTES_MAX} bytes`)
  const length = FIXED_BYTES + restLength
  if (bytes.length < length) return undefined
  const rest = bytes.subarray(FIXED_BYTES, length)
  // What goes with LOCAL is to be ignored.
  if ((command & 15) === COMMAND_LOCAL) return { length, source: undefined }
  const addressBytes = { 0: 0, [FAMILY_IPV4]: 12, [FAMILY_IPV6]: 36, [FAMILY_UNIX]: UNIX_ADDRESS_BYTES }[
    family
  ]
  if (addressBytes === undefined || rest.length < addressBytes) return refuse('it ends within its addresses')
  checkTlvs(rest.subarray(addressBytes))
  if (family === FAMILY_IPV4) {
    const source = { host: rest.subarray(0, 4).join('.'), port: rest.readUInt16BE(8) }
    return { length, source }
  }
  if (family === FAMILY_IPV6) return { length, source: { host: hostOf(rest), port: rest.readUInt16BE(32) } }
  return { length, source: undefined }
}

/** Type, length and value, one behind the other, to the end. None of them means anything here. */
function checkTlvs(bytes: Buffer): void {
  let at = 0
  while (at < bytes.length) {
    if (at + TLV_HEAD_BYTES > bytes.length) refuse('it ends within a TLV')
    at += TLV_HEAD_BYTES + bytes.readUInt16BE(at + 1)
  }
  if (at > bytes.length) refuse('it ends within a TLV')
}

function hostOf(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16))
  const { address } = new SocketAddress({ family: 'ipv6', address: groups.join(':') })
  return plainHost(address)
}
