// What holds for each listener: ports and names that were not said, and the limits of all where they are lower.
import { loopback } from '../base/address-ranges.ts'
import { listener, PORTS } from './options/listeners.ts'
import type { Config, configSchema, ListenerConfig } from './schema.ts'

type Checked = ReturnType<typeof configSchema.parse>
type CheckedListener = Checked['listeners'][number]

export function resolveListeners(
  config: Checked,
  allowAnonymous: boolean,
): Pick<Config, 'listeners' | 'plainListener'> {
  const names = new Set<string>()
  const resolve = (given: CheckedListener): ListenerConfig => {
    const port = given.port ?? PORTS[given.protocol]
    return Object.freeze({
      ...given,
      port,
      name:
        given.name || given.socketPath.replaceAll('/', '-').replace(/^-/, '') || `${given.protocol}-${port}`,
      allowAnonymous: given.allowAnonymous ?? allowAnonymous,
      authenticators: given.authenticators ?? config.authentication.order,
      maximumQos: Math.min(given.maximumQos, config.features.maximumQos),
      maximumPacketSize: Math.min(given.maximumPacketSize, config.limits.maximumPacketSize),
      connectionsMax: Math.min(given.connectionsMax, config.limits.connectionsMax),
    })
  }
  /** Two of one name would be one in logs and rules. */
  const named = (each: ListenerConfig): ListenerConfig => {
    let { name } = each
    for (let i = 2; names.has(name); i++) name = `${each.name}-${i}`
    names.add(name)
    return name === each.name ? each : Object.freeze({ ...each, name })
  }
  return {
    listeners: Object.freeze(config.listeners.map(resolve).map(named)),
    plainListener: resolve(listener.parse({ name: 'in-process' })),
  }
}

/** Whether only this machine can reach `host`. */
export const isLoopback = (host: string): boolean => loopback.has(host) || host.toLowerCase() === 'localhost'

/** Whether only this machine can reach a listener: what a proxy passes on comes from anywhere. */
export function isLocal(given: Pick<CheckedListener, 'host' | 'socketPath' | 'proxyProtocol' | 'websocket'>) {
  const isProxied = given.proxyProtocol.trusted.length > 0 || given.websocket.trustedProxies.length > 0
  return !isProxied && (given.socketPath !== '' || isLoopback(given.host))
}
