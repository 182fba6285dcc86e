// What the headers of a WebSocket's request say of who asks: the page that it comes from, and the address in front of a
// proxy. Asked by websocket.ts.
import { isIP } from 'node:net'
import { plainHost } from '../base/address-ranges.ts'
import type { ListenerConfig } from '../config/schema.ts'

/** A browser lets any page open a WebSocket to anywhere, and says in Origin which page it was. */
export function isAllowedOrigin(
  { origin, host }: { readonly origin?: string | undefined; readonly host?: string | undefined },
  { allowAnonymous, websocket: { origins } }: Pick<ListenerConfig, 'allowAnonymous' | 'websocket'>,
  isToThisMachine: boolean,
): boolean {
  if (origin === undefined) return true // No page: nobody is led astray.
  if (origins.length > 0) return origins.some((each) => each === '*' || isSame(each, origin))
  // Any page may ask for a password. Without one, a page of anybody's would speak for whoever looks at it.
  if (!allowAnonymous) return true
  const page = hostOf(origin)
  if (page === undefined) return false
  // Here a name says nothing: whoever it belongs to may let it mean this machine.
  if (isToThisMachine) return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(page)
  return host !== undefined && page === hostOf(`http://${host}`)
}

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

function hostOf(address: string): string | undefined {
  return URL.canParse(address) ? new URL(address).hostname : undefined
}

/**
 * The client's address of an X-Forwarded-For: the last one that is no proxy's of ours, since what stands before it
 * anybody can have written. Empty: there is no header. Undefined: it is not what it should be.
 */
export function forwardedHost(
  header: string | string[] | undefined,
  isTrusted: (host: string) => boolean,
): string | undefined {
  if (header === undefined) return ''
  const hosts = [header].flat().join(',').split(',').map(addressOf)
  const last = hosts.findLast((host) => host === undefined || !isTrusted(host))
  return hosts.includes(last) ? last : hosts[0]
}

/** `192.0.2.1`, `192.0.2.1:50000`, `2001:db8::1`, `[2001:db8::1]:50000`: some proxies add the port. */
function addressOf(text: string): string | undefined {
  const trimmed = text.trim()
  const bare = /^\[(.+)\](?::\d+)?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d+$/.exec(trimmed)?.[1] ?? trimmed
  return isIP(bare) === 0 ? undefined : plainHost(bare)
}
