// A listener written as one address, unfolded into its options: mqtts://0.0.0.0:8883, ws://[::]:8083/mqtt,
// unix:///run/godwit.sock. Applied to each source before they are laid over each other.
import type { OptionTree } from './merge.ts'

const ADDRESS = /^(mqtt|mqtts|ws|wss):\/\/(?:\[([\da-f:.]+)\]|([^/:[\]]+))(?::(\d{1,5}))?(\/.*)?$/i
const UNIX_ADDRESS = /^unix:\/\/(\/.+)$/

/** What is no address is left as it is: the schema will say that it is none. */
export function unfoldListeners(tree: OptionTree): OptionTree {
  if (typeof tree !== 'object' || tree === null || !('listeners' in tree)) return tree
  const { listeners } = tree
  return Array.isArray(listeners) ? { ...tree, listeners: listeners.map(unfold) } : tree
}

function unfold(listener: unknown): unknown {
  if (typeof listener !== 'string') return listener
  const socketPath = UNIX_ADDRESS.exec(listener)?.[1]
  if (socketPath !== undefined) return { socketPath }
  const [, scheme = '', host6, host4, port, path] = ADDRESS.exec(listener) ?? []
  const protocol = scheme.toLowerCase()
  const takesPath = protocol.startsWith('ws')
  if (protocol === '' || (path !== undefined && !takesPath)) return listener
  return {
    protocol,
    host: host6 ?? host4,
    ...(port !== undefined && { port: Number(port) }),
    ...(path !== undefined && { websocket: { path } }),
  }
}
