// A listener outlives what the system cannot accept.
import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { constants } from 'node:os'
import { expect, it, onTestFinished } from 'vitest'
import { listenTcp } from '../../src/transport/tcp.ts'

/** What libuv calls with each connection, or with the error that kept it from one. */
interface ServerHandle {
  onconnection(error: number): void
}

it('goes on listening after an accept for which there was no file descriptor', async () => {
  const handles: ServerHandle[] = []
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type === 'TCPSERVERWRAP') handles.push(resource as ServerHandle)
    },
  }).enable()
  let accept: (socket: Socket) => void = () => {}
  const accepted = new Promise<Socket>((resolve) => (accept = resolve))
  const address = { host: '127.0.0.1', port: 0 }
  const listener = await listenTcp(address, { sharedReads: true }, (socket) => accept(socket))
  hook.disable()
  onTestFinished(() => listener.close())
  expect(handles).toHaveLength(1)
  handles[0]?.onconnection(-constants.errno.EMFILE)
  const client = connect(listener.address)
  await once(client, 'connect')
  client.destroy()
  ;(await accepted).destroy()
})
