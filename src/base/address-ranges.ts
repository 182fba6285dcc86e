// Sets of IP addresses: single ones and ranges in CIDR notation. An IPv4 address that comes mapped into IPv6 is itself.
import { BlockList, isIP, isIPv4 } from 'node:net'

export class AddressRanges {
  readonly #list = new BlockList()

  /** Each an address or a range, as `isAddressRange` says. */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) {
      const [address = '', bits] = range.split('/')
      if (bits === undefined) this.#list.addAddress(address, familyOf(address))
      else this.#list.addSubnet(address, Number(bits), familyOf(address))
    }
  }

  /** False for what is no IP address. */
  has(address: string): boolean {
    return isIP(address) !== 0 && this.#list.check(address, familyOf(address))
  }
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Whether `text` is an IP address, or one with the bits of a prefix after a slash. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

const MAPPED = '::ffff:'

/** An IPv4 address that comes mapped into IPv6 is the same as without. */
export function plainHost(host: string): string {
  const isMapped = host.toLowerCase().startsWith(MAPPED)
  return isMapped && isIPv4(host.slice(MAPPED.length)) ? host.slice(MAPPED.length) : host
}

export const loopback = new AddressRanges(['127.0.0.0/8', '::1'])
